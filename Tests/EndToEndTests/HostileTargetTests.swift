import ISCSI
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// What a target may say, and what may not come of it.
  @Suite("Hostile target")
  struct HostileTargetTests {
    @Test("S04 a LUN with blocks of 520 bytes is no file that could lie; its neighbours work")
    func oddBlocks() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:odd")
        target.add(unit(1), lun: 1)
        target.add(unit(2, blockLength: 520), lun: 2)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        #expect(await mount.shell("cat $T/state").value == "LOGGED_IN")
        let opened = await mount.shell("head -c 1 $T/lun2")
        #expect(opened.status != 0, "\(opened)")
        let state = await mount.shell("cat $T/lun2.info/state $T/lun2.info/last_error")
        #expect(state.lines.first == "offline", "\(state)")
        #expect(state.output.contains("520"), "\(state)")
        #expect(await mount.shell("cat $T/lun1.info/last_error").value == "0 SUCCESS")
        try await expectWorking(mount, lun: 1)
      }
    }

    @Test("Names with /, .. and escape codes stay one harmless directory each")
    func names() async throws {
      try await withLab { lab in
        let names = [
          "iqn.2026-11.org.iscsifs:good", "iqn.2026-11.org.x:a/../../../etc", "..", ".",
          "iqn.2026-11.org.x:\u{1B}[31mred", "iqn.2026-11.org.x:\u{1B}]0;title\u{7}", "/etc/passwd",
        ]
        let targets = names.enumerated().map { index, name in
          let target = SimulatedTarget(name: name)
          target.add(unit(UInt32(index + 1)), lun: 1)
          return target
        }
        let server = try SimulatedPortalServer(lab, targets)
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let listing = await mount.shell("LC_ALL=C ls -A targets | cat -v")
        #expect(!listing.output.contains("^["), "\(listing)")
        #expect(!listing.output.contains("/"), "\(listing)")
        #expect(listing.lines.contains("iqn.2026-11.org.iscsifs:good"), "\(listing)")
        #expect(!listing.lines.contains(".."), "\(listing)")
        // What is below targets/ is below targets/, by whatever way.
        let paths = await mount.shell("find . -name passwd -o -name etc; ls")
        #expect(!paths.output.contains("etc"), "\(paths)")
        let escapes = await mount.shell(
          """
          { cat status last_error targets/*/last_error; ls -R targets by-id by-path; \
          $ISCSIFS status $M; $ISCSIFS status --json $M; \
          $ISCSIFS discover \(server.address) -o state=$M/../state; } 2>&1 | \
          LC_ALL=C grep -c -P '[\\x00-\\x08\\x0b-\\x1f\\x7f]'
          """)
        #expect(escapes.value == "0", "\(escapes)")
        #expect(await mount.shell("cat targets/*:good/state").value == "LOGGED_IN")
        try await expectWorking(mount, lun: 1, in: "targets/iqn.2026-11.org.iscsifs:good")
      }
    }

    @Test("S01, S05 a LUN nobody lists gets no file; qualifier 3Fh in the list gets none either")
    func unlisted() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:list")
        target.add(unit(1), lun: 1)
        let hidden = unit(2)
        hidden.configuration.isListed = false
        target.add(hidden, lun: 2)
        let absent = unit(3)
        absent.configuration.peripheralQualifier = 1
        absent.configuration.deviceType = 0x1F
        target.add(absent, lun: 3)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let names = await mount.shell("ls $T | grep lun")
        #expect(names.lines == ["lun1", "lun1.info"], "\(names)")
        let commands = server.commands
        #expect(!commands.contains { $0.logicalUnitNumber == SimulatedTarget.encoded(lun: 2) })
        #expect(commands.count { $0.logicalUnitNumber == SimulatedTarget.encoded(lun: 3) } == 1)
      }
    }

    @Test("A target that closes every connection in full feature phase costs time, not data")
    func drops() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:drops")
        target.add(unit(1), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let file = try lab.write(String(repeating: "0123456789abcdef", count: 65536))
        async let copy = mount.shell(
          """
          set -e
          for i in 0 1 2 3 4 5 6 7; do
            dd if=\(file) of=$T/lun1 bs=16k seek=$((i * 64)) oflag=direct conv=notrunc status=none
            cmp \(file) <(dd if=$T/lun1 bs=1M skip=$i count=1 iflag=direct status=none)
          done
          """, limit: .seconds(90))
        for _ in 0..<3 {
          try await Task.sleep(for: .milliseconds(300))
          server.reset()
        }
        await copy.expectSuccess()
        // The last reset may have come when all was copied: who recovers is not logged in yet.
        let isBack = await eventually(.seconds(10)) {
          await mount.shell("cat $T/state").value == "LOGGED_IN"
        }
        #expect(isBack)
      }
    }

    /// The target of `ReplyOf2005Tests`: one LUN listed, others that answer INQUIRY as if they
    /// might be there, and no memory of tasks that have ended.
    @Test(
      "2005 one listed LUN is one file; no other LUN is asked anything, no ended task is aborted",
      arguments: [0x3F, 0x7F] as [UInt8])
    func replyOf2005(byte: UInt8) async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2005-03.org.iscsifs:reply")
        target.parameters.absentInquiryByte = byte
        target.add(unit(1), lun: 0)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        #expect(await mount.shell("ls $T | grep lun").lines == ["lun0", "lun0.info"])
        try await expectWorking(mount, lun: 0)
        // Readers that are killed in the middle, and looks at the list anew.
        await mount.shell(
          """
          for i in 1 2 3 4 5; do
            dd if=$T/lun0 of=/dev/null bs=4k iflag=direct status=none & p=$!
            kill -9 $p; wait $p; echo rescan > $T/control
          done; [ $(ls $T | grep -c lun) = 2 ]
          """
        ).expectSuccess()
        try await expectWorking(mount, lun: 0)
        #expect(await mount.unmount().status == 0)
        _ = await mount.waitForEnd()
        let asked = Set(server.commands.map(\.logicalUnitNumber))
        #expect(asked == [SimulatedTarget.encoded(lun: 0)])
        #expect(server.taskManagementRequestCount == 0)
      }
    }

    /// Names that are kept, each in a directory of its own; the same mark in each of them.
    private static let kept = [
      "iqn.2026-11.org.zq7:plain", "../../zq7", "../../../../tmp/zq7", "/etc/zq7", "zq7/..",
      "iqn.2026-11.org.zq7:../../x", "iqn.2026-11.org.zq7:a/b", "%2e%2e%2fzq7", "%zq7", "zq7%n%s",
      " zq7", "zq7 ", "-rf zq7", "~zq7", "zq7*", "$(touch zq7)", "`zq7`", "zq7;id", "zq7|id",
      "'zq7'",
      "\"zq7\"", "zq7\\..\\x", "zq7,3260,1", "a=zq7", "iqn.2026-13.org.zq7:x", "iqn.zq7", "eui.zq7",
      "naa.zq7", "iqn.2026-11.org.zq7:\u{202E}abc", "iqn.2026-11.org.zq7:\u{200B}abc",
      "iqn.2026-11.org.zq7:\u{FF0F}..\u{FF0F}x", "iqn.2026-11.org.zq7:\u{212A}",
      "iqn.2026-11.org.zq7:caf\u{E9}", "iqn.2026-11.org.zq7:cafe\u{301}",
      "iqn.2026-11.org.zq7:\u{1F4A9}", "\u{2024}\u{2024}zq7",
      "zq7" + String(repeating: "/", count: 220),
    ]
    /// Names that fold to one of those, and names that are none: too long, or not to be printed.
    private static let unkept = [
      "IQN.2026-11.ORG.ZQ7:PLAIN", "zq7\u{1B}[2J",
      "zq7\u{1B}]0;t\u{7}", "zq7\n10.0.0.1:3260,1 x", "zq7\r", "zq7\t", "zq7\u{7F}", "zq7\u{9B}2J",
      "zq7" + String(repeating: "x", count: 221),
    ]

    @Test("N10, CVE-2026-44943 hostile names are one harmless directory each, and nothing else")
    func hostileNames() async throws {
      try await withLab { lab in
        let targets = (Self.kept + Self.unkept).enumerated().map { index, name in
          let target = SimulatedTarget(name: name)
          target.add(unit(UInt32(index + 1)), lun: 1)
          return target
        }
        let server = try SimulatedPortalServer(lab, targets)
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let names = await mount.shell("LC_ALL=C ls -A targets").lines
        #expect(names.count == Self.kept.count, "\(names)")
        let plain = Set("abcdefghijklmnopqrstuvwxyz0123456789-.:%ABCDEF")
        #expect(names.allSatisfy { $0.allSatisfy(plain.contains) && $0.utf8.count <= 255 })
        #expect(names.contains("iqn.2026-11.org.zq7:plain"))
        // Every one is logged in to by the name it gave, and its LUN can be read.
        await mount.shell(
          """
          for d in targets/*; do
            [ "$(cat "$d/state")" = LOGGED_IN ] && head -c 1 "$d/lun1" | cmp - <(printf '\\0') ||
              { echo "$d: $(cat "$d/last_error")"; exit 1; }
          done
          """
        ).expectSuccess()
        // Nothing of theirs anywhere else: not beside the mount, not in the state directory.
        let strays = await mount.shell(
          """
          find \(lab.path) -xdev -name '*zq7*'; find /etc /tmp /run -xdev -maxdepth 2 -name '*zq7*'
          ls -A . | grep zq7; grep -rl zq7 \(lab.path)/state 2>/dev/null; true
          """)
        #expect(strays.value == "", "\(strays)")
        let unprintable = await mount.shell(
          "{ cat status; ls -R by-id by-path; } | LC_ALL=C grep -c -P '[^\\x20-\\x7e]'")
        #expect(unprintable.value == "0", "\(unprintable)")
      }
    }

    struct Lie: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var lie: HostileFault.Lie
      /// What `last_error` of the target says.
      var words: String
    }

    private static let lies = [
      Lie(
        testDescription: "H01 data segment of 16 MiB - 1", lie: .dataSegmentLength(0xFF_FFFF),
        words: "announces a data segment of 16777215 bytes"),
      Lie(
        testDescription: "H03 Login Request from a target", lie: .opcode(.init(rawValue: 0x03)),
        words: "Login Request"),
      Lie(
        testDescription: "H20 data beyond the transfer", lie: .dataBeyondExpected(byteCount: 8192),
        words: "of a transfer of"),
    ]

    @Test("H01, H03, H20 a target whose frames lie fails alone", arguments: lies)
    func lyingFrames(lie: Lie) async throws {
      try await withLab { lab in
        let good = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:good")
        good.add(unit(1), lun: 1)
        let bad = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:bad")
        bad.add(unit(2), lun: 1)
        let server = try SimulatedPortalServer(lab, [good])
        let liar = try SimulatedPortalServer(lab, [bad])
        let told = lie.lie
        liar.setFaults { [HostileFault(told, in: PDUSelector(.dataIn))] }
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        await mount.shell("timeout 20 sh -c 'echo discover \(liar.address) > control'; true")
          .expectSuccess()
        for _ in 0..<5 {
          try await expectWorking(
            mount, lun: 1, in: "targets/iqn.2026-11.org.iscsifs:good")
        }
        // Between a loss and the next login, which succeeds and ends the same way.
        let isTold = await eventually(.seconds(20)) {
          await mount.shell("cat targets/*:bad/last_error").output.contains(lie.words)
        }
        #expect(isTold)
        #expect(await mount.shell("cat targets/*:good/last_error").value == "0 SUCCESS")
        #expect(mount.isRunning)
      }
    }

    @Test("S11, S12, H57 a stopped unit is started, one in standby says so, text is escaped")
    func states() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:states")
        let stopped = unit(1)
        stopped.isStarted = false
        target.add(stopped, lun: 1)
        let standby = unit(2)
        standby.configuration.targetPortGroups = [(1, 2), (2, 0)]
        target.add(standby, lun: 2)
        let painted = unit(3)
        painted.configuration.vendor = "\u{1B}[2J"
        painted.configuration.product = "a\u{7}b"
        painted.configuration.serialNumber = "S\u{1B}N\n1"
        painted.configuration.targetPortGroups = [(1, 0)]
        target.add(painted, lun: 3)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        try await expectWorking(mount, lun: 1)
        #expect(
          await mount.shell("cat $T/lun2.info/access_state $T/lun3.info/access_state").lines
            == ["standby", "active/optimized"])
        await mount.shell("head -c 1 $T/lun2").expectFailure("No such device or address")
        let text = await mount.shell(
          "cat $T/lun3.info/vendor $T/lun3.info/model $T/lun3.info/serial")
        #expect(text.lines == ["\\x1B[2J", "a\\x07b", "S\\x1BN\\x0A1"], "\(text)")
        try await expectWorking(mount, lun: 3)
      }
    }

    @Test("S12, H51 a unit stopped or shrunk under a mount is started, and its size read again")
    func changesInUse() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:changes")
        target.add(unit(1), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        try await expectWorking(mount, lun: 1)
        server.change { $0.isStarted = false }
        try await expectWorking(mount, lun: 1)
        server.change { $0.configuration.blockCount = 1024 }
        await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k skip=1000 count=1 iflag=direct")
          .expectFailure("Input/output error")
        let isSeen = await eventually(.seconds(5)) {
          await mount.shell("stat -c %s $T/lun1").value == "524288"
        }
        #expect(isSeen)
        try await expectWorking(mount, lun: 1)
      }
    }

    private func unit(_ identity: UInt32, blockLength: Int = 512) -> SimulatedLogicalUnit {
      SimulatedLogicalUnit(
        SimulatedLogicalUnit.Configuration(
          blockCount: 32768, blockLength: blockLength, identity: identity))
    }

    private func expectWorking(
      _ mount: MountedFileSystem, lun: Int, in directory: String = "$T"
    ) async throws {
      await mount.shell(
        """
        F=\(directory)/lun\(lun)
        printf working | dd of=$F bs=7 seek=9 conv=notrunc,fsync status=none
        cmp <(printf working) <(dd if=$F bs=7 skip=9 count=1 status=none)
        """
      ).expectSuccess()
    }
  }
}
