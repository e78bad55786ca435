import Lab
import Testing

extension EndToEnd {
  /// A session's `capture`, held to Wireshark's dissector.
  @Suite("Capture", .requires(.tgtd, .tshark))
  struct CaptureTests {
    @Test("tshark decodes every PDU of a capture, and finds nothing malformed or out of order")
    func decodes() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let file = lab.fresh("session.pcap")
        await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(file) &
          until [ -s \(file) ]; do sleep 0.02; done
          dd if=$T/lun1 of=/dev/null bs=4096 count=20 iflag=direct status=none
          dd if=/dev/urandom of=$T/lun1 bs=1M count=2 oflag=direct conv=notrunc,fsync status=none
          dd if=$T/lun1 of=/dev/null bs=1M count=2 iflag=direct status=none
          dd if=/dev/urandom of=$T/lun1 bs=1000 count=1 conv=notrunc,fsync status=none
          echo rescan > $T/control
          echo drop > $T/sessions/1/control
          until grep -q LOGGED_IN $T/state && [ "$(head -c 1 $T/lun1 | wc -c)" = 1 ]; do :; done
          echo logout > $T/control
          wait
          """
        ).expectSuccess()
        let tshark = "tshark -n -r \(file) -d tcp.port==\(daemon.port),iscsi"
        let fields = await lab.shell(
          tshark + " -Y iscsi -T fields -e ip.src -e tcp.srcport -e iscsi.opcode 2>/dev/null"
            + " | sort | uniq -c")
        // Both ends by their addresses; commands, Data-Out, the logout; Data-In, R2T, responses.
        for opcode in ["0x01", "0x03", "0x05", "0x06"] {
          #expect(fields.lines.contains { $0.hasSuffix("\t\(opcode)") }, "\(fields)")
        }
        for opcode in ["0x21", "0x23", "0x25", "0x26", "0x31"] {
          let end = "127.0.0.1\t\(daemon.port)\t\(opcode)"
          #expect(fields.lines.contains { $0.hasSuffix(end) }, "\(fields)")
        }
        let reads = await lab.shell(
          tshark + " -Y 'scsi_sbc.opcode == 0x88 && iscsi.opcode == 0x01' 2>/dev/null | wc -l")
        #expect((Int(reads.value) ?? 0) >= 22, "\(reads)")
        let wrong = await lab.shell(
          tshark + " -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE"
            + " -Y '_ws.malformed || tcp.analysis.flags || tcp.checksum.status == Bad"
            + " || ip.checksum.status == Bad || _ws.expert' 2>&1 | grep -v 'as user'")
        #expect(wrong.output == "", "\(wrong)")
      }
    }

    /// With CHAP_R whoever knows CHAP_C can try secrets at leisure.
    @Test("C34 of a login in a capture challenges and answers are stars, and nothing else")
    func masks() async throws {
      try await withLab { lab in
        let account = TargetDaemon.Account(user: "alice", password: "correct-horse-9")
        let daemon = try await TargetDaemon.start(
          lab,
          [
            TargetDaemon.Target(
              account: account,
              outgoing: TargetDaemon.Account(user: "the-target", password: "battery-staple-7"))
          ])
        let settings = try lab.write(
          """
          node.session.auth.authmethod = CHAP
          node.session.auth.username = alice
          node.session.auth.password = correct-horse-9
          node.session.auth.username_in = the-target
          node.session.auth.password_in = battery-staple-7
          node.session.auth.chap_algs = MD5

          """)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(settings)"])
        let file = lab.fresh("session.pcap")
        await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(file) &
          until [ -s \(file) ]; do sleep 0.02; done
          echo drop > $T/sessions/1/control
          until grep -q 'CHAP_R=' \(file) && [ "$(head -c 1 $T/lun1 | wc -c)" = 1 ]; do :; done
          echo logout > $T/control
          wait
          """
        ).expectSuccess()
        let texts = await lab.shell("tr '\\0' '\\n' < \(file) | grep -a -o 'CHAP_[A-Z]=.*'")
        let byKey = Dictionary(grouping: texts.lines) { $0.prefix { $0 != "=" } }
          .mapValues { $0.map { String($0.drop { $0 != "=" }.dropFirst()) } }
        #expect(byKey["CHAP_A"] == ["5", "5"], "\(texts)")
        #expect(byKey["CHAP_N"] == ["alice", "the-target"], "\(texts)")
        // One of each side: 16 bytes of an answer, with 0x.
        #expect(byKey["CHAP_R"]?.count == 2 && byKey["CHAP_C"]?.count == 2, "\(texts)")
        #expect(byKey["CHAP_R"]?.allSatisfy { $0.count == 34 } == true, "\(texts)")
        for value in (byKey["CHAP_R"] ?? []) + (byKey["CHAP_C"] ?? []) {
          #expect(!value.isEmpty && value.allSatisfy { $0 == "*" }, "\(texts)")
        }
        let tshark = "tshark -n -r \(file) -d tcp.port==\(daemon.port),iscsi"
        let wrong = await lab.shell(
          tshark + " -Y '_ws.malformed || _ws.expert' 2>&1 | grep -v 'as user'")
        #expect(wrong.output == "", "\(wrong)")
      }
    }
  }
}
