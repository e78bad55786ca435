import Lab
import Testing

extension EndToEnd {
  /// Every mistake gets its number and its sentence, and loses nothing.
  @Suite("Bad input")
  struct BadInputTests {
    struct WrongPortal: Sendable, CustomTestStringConvertible {
      var testDescription: String
      var manner: PortServer.Manner?
      var address = ""
      var status: Int32
      var sentence: String
      /// What the shell prints when the verb `discover` is refused.
      var error: String
      var number: String
    }

    private static let portals = [
      WrongPortal(
        testDescription: "refused", address: "127.0.0.1:1", status: 74,
        sentence: "127.0.0.1:1: connection refused", error: "Connection refused",
        number: "4 TRANS "),
      WrongPortal(
        testDescription: "name not found", address: "no-such-host.invalid", status: 68,
        sentence: "no-such-host.invalid is not known", error: "No route to host",
        number: "23 HOST_NOT_FOUND "),
      WrongPortal(
        testDescription: "an HTTP server", manner: .http, status: 76,
        sentence: "does not speak iSCSI", error: "Protocol error", number: "5 LOGIN "),
      WrongPortal(
        testDescription: "/dev/zero", manner: .zeros, status: 76,
        sentence: "does not speak iSCSI", error: "Protocol error", number: "5 LOGIN "),
      WrongPortal(
        testDescription: "silence", manner: .silent, status: 74,
        sentence: "no answer in time", error: "Connection timed out", number: "8 TRANS_TIMEOUT "),
    ]

    @Test("A wrong portal is told by mount, discover and the verb", arguments: portals)
    func wrongPortal(portal: WrongPortal) async throws {
      try await withLab { lab in
        let address = try portal.manner.map { try PortServer(lab, $0).address } ?? portal.address
        let directory = try lab.makeDirectory("mnt")
        let patience = ["discovery.sendtargets.timeo.login_timeout=2"]
        let options = MountedFileSystem.flags(lab, patience).joined(separator: " ")
        for command in ["mount \(address) \(directory)", "discover \(address)"] {
          let result = await lab.shell("\(Binary.path) \(command) \(options)", limit: .seconds(15))
          #expect(result.status == portal.status, "\(result)")
          #expect(result.output.contains(portal.sentence), "\(result)")
          // One line, for people, that names whom.
          #expect(result.lines.count == 1 && result.output.hasPrefix("iscsifs: "), "\(result)")
        }
        #expect(await lab.shell("grep -c ' \(directory) ' /proc/self/mounts").value == "0")
        let mount = try await MountedFileSystem.start(lab, .demo, options: patience)
        await mount.shell("echo 'discover \(address)' > control").expectFailure(portal.error)
        let line = await mount.shell("cat last_error")
        #expect(line.output.hasPrefix(portal.number), "\(line)")
        #expect(line.output.contains(portal.sentence), "\(line)")
        try await expectWorking(mount)
      }
    }

    @Test("Without a network the kernel's reason is told", .requires(.namespaces))
    func unreachable() async throws {
      try await withLab { lab in
        let result = await lab.shell("unshare -n \(Binary.path) discover 192.0.2.1")
        #expect(result.status == 74, "\(result)")
        #expect(result.value == "iscsifs: 192.0.2.1:3260: network is unreachable", "\(result)")
      }
    }

    /// With one port for all who connect, who connects to it meets himself (RFC 793, 3.4).
    @Test("H09 a connection to ourselves is told at once", .requires(.namespaces))
    func ourselves() async throws {
      try await withLab { lab in
        let script = try lab.write(
          """
          perl -e 'socket(S, 2, 2, 0); $r = pack("a16s", "lo", 0x41);
            ioctl(S, 0x8914, $r) or die "lo: $!"' || exit
          echo "40000 40000" > /proc/sys/net/ipv4/ip_local_port_range
          timeout 10 \(Binary.path) discover 127.0.0.1:40000
          """)
        let result = await lab.shell("unshare -n bash \(script)")
        #expect(result.status == 76, "\(result)")
        #expect(
          result.value
            == "iscsifs: 127.0.0.1:40000: the peer does not speak iSCSI (a PDU begins with 0x43)",
          "\(result)")
      }
    }

    @Test(
      "A command that is not one is EINVAL and last_error says why",
      arguments: [
        ("control", "frobnicate", "unknown verb \"frobnicate\"; known verbs: discover, add, "),
        ("control", "discover", "usage: discover SOURCE"),
        ("control", "add iqn.2026-11.org.example:x", "usage: add IQN ADDRESS[:PORT][,TPGT]"),
        ("control", "remove one two", "usage: remove IQN"),
        ("control", "rescan now", "rescan takes no argument"),
        ("control", "Login", "unknown verb \"Login\""),
        ("$T/control", "frobnicate", "unknown verb \"frobnicate\"; known verbs: login, logout, "),
        ("$T/control", "logout please", "usage: logout [force]"),
        ("$T/control", "", "an empty command; known verbs: login"),
      ])
    func unknownVerb(file: String, command: String, sentence: String) async throws {
      try await withDemo { mount in
        await mount.shell("echo '\(command)' > \(file)").expectFailure("Invalid argument")
        let line = await mount.shell("cat \(file == "control" ? "" : "$T/")last_error")
        #expect(line.value.hasPrefix("7 INVAL "), "\(line)")
        #expect(line.output.contains(sentence), "\(line)")
        try await expectWorking(mount)
      }
    }

    @Test("A verb that is too long is EINVAL, at any length", arguments: [4097, 8192, 200_000])
    func tooLong(byteCount: Int) async throws {
      try await withDemo { mount in
        await mount.shell(
          "head -c \(byteCount) /dev/zero | tr '\\0' a | dd of=control bs=1M iflag=fullblock"
        ).expectFailure("Invalid argument")
        let line = await mount.shell("cat last_error")
        #expect(
          line.value == "7 INVAL a command has at most 4096 bytes, this one has \(byteCount)")
        try await expectWorking(mount)
      }
    }

    @Test("Commands about targets nobody knows, and names that are none")
    func unknownTarget() async throws {
      try await withDemo { mount in
        await mount.shell("echo 'login iqn.2026-11.org.example:none' > control")
          .expectFailure("No such file or directory")
        #expect(
          await mount.shell("cat last_error").value
            == "21 NO_OBJS_FOUND no target iqn.2026-11.org.example:none is known")
        await mount.shell("echo 'add bogus 127.0.0.1' > control")
          .expectFailure("Invalid argument")
        #expect(
          await mount.shell("cat last_error").value
            == "7 INVAL \"bogus\" is no iqn., eui. or naa. name")
        await mount.shell("echo 'discover isns://127.0.0.1' > control")
          .expectFailure("Operation not supported")
        await mount.shell("echo iqn.2026-11.org.example:me > initiatorname")
          .expectFailure("Device or resource busy")
        await mount.shell("ls targets/.. | grep -c targets").expectSuccess()
        try await expectWorking(mount)
      }
    }

    @Test("A read-only attribute is not written, also not by root")
    func readOnly() async throws {
      try await withDemo { mount in
        for file in ["status", "version", "$T/state", "$T/lun1.info/size", "$T/last_error"] {
          await mount.shell("echo x > \(file)").expectFailure("Permission denied")
        }
        await mount.shell("printf x | dd of=status conv=notrunc").expectFailure("Permission denied")
        await mount.shell("rm version").expectFailure("Operation not permitted")
        try await expectWorking(mount)
      }
    }

    @Test("A directory nothing can be mounted on is named, with what to do")
    func mountpoints() async throws {
      try await withLab { lab in
        let full = try lab.makeDirectory("full")
        let file = try lab.write("kept", name: "plain")
        await lab.shell("echo kept > \(full)/precious").expectSuccess()
        let cases: [(String, Int32, String)] = [
          (
            full, 65,
            "\(full): this directory is not empty (\"precious\"), and a mount would hide what is "
              + "in it"
          ),
          (
            "\(lab.path)/absent", 66,
            "\(lab.path)/absent: there is no such directory; make it with: "
              + "mkdir -p \(lab.path)/absent"
          ),
          (file, 73, "\(file): this is not a directory"),
        ]
        for (path, status, sentence) in cases {
          for work in ["demo", "mount 127.0.0.1:1"] {
            let result = await lab.shell("\(Binary.path) \(work) \(path)")
            #expect(result.status == status, "\(result)")
            #expect(result.value == "iscsifs: \(sentence)", "\(result)")
          }
        }
        #expect(await lab.shell("cat \(full)/precious \(file)").value == "kept\nkept")
      }
    }

    @Test(
      "Without /dev/fuse the sentence says so", .requires(.namespaces),
      arguments: [
        ("mount -t tmpfs none /dev", "there is no /dev/fuse; load the module with: modprobe fuse"),
        ("mount --bind /dev/null /dev/fuse", "/dev/fuse is not the FUSE device"),
      ])
    func noDevice(preparation: String, sentence: String) async throws {
      try await withLab { lab in
        let directory = try lab.makeDirectory("mnt")
        let result = await lab.shell(
          "unshare -m bash -c '\(preparation) && exec \(Binary.path) demo \(directory)'")
        #expect(result.status == 69, "\(result)")
        #expect(result.output.hasPrefix("iscsifs: \(sentence)"), "\(result)")
        // The same command with the device: nothing was left behind.
        try await expectWorking(try await MountedFileSystem.start(lab, .demo, at: directory))
      }
    }

    @Test(
      "A configuration is refused with file and line",
      arguments: [
        ("node.startup = automatic\n\nbogus.key = 1\n", 3, "\"bogus.key\" is not a key"),
        ("# a comment\nno equals sign\n", 2, ""),
        ("node.session.timeo.replacement_timeout = soon\n", 1, "cannot be \"soon\""),
        ("node.session.iscsi.FirstBurstLength = 1\n", 1, ""),
      ])
    func configuration(text: String, line: Int, sentence: String) async throws {
      try await withLab { lab in
        let file = try lab.write(text)
        let directory = try lab.makeDirectory("mnt")
        for command in [
          "mount \(file) \(directory)", "mount 127.0.0.1:1 \(directory) -o config=\(file)",
          "demo \(directory) -o config=\(file)",
        ] {
          let result = await lab.shell("\(Binary.path) \(command)")
          #expect(result.status == 78, "\(result)")
          #expect(result.output.hasPrefix("iscsifs: \(file):\(line): "), "\(result)")
          #expect(result.output.contains(sentence), "\(result)")
        }
        #expect(await lab.shell("grep -c ' \(directory) ' /proc/self/mounts").value == "0")
      }
    }

    @Test("Options that are none are refused by name")
    func options() async throws {
      try await withLab { lab in
        let directory = try lab.makeDirectory("mnt")
        for (option, status, sentence) in [
          ("bogus=1", 64, "-o bogus: not an option iscsifs knows"),
          ("cache=maybe", 64, "cache"), ("login=perhaps", 64, "login"),
          ("sessions=33", 78, "it takes 0 or a whole number"),
          ("node.session.timeo.replacement_timeout=x", 78, "it takes a whole number"),
        ] as [(String, Int32, String)] {
          let result = await lab.shell("\(Binary.path) demo \(directory) -o \(option)")
          #expect(result.status == status, "\(result)")
          #expect(result.output.contains(sentence), "\(result)")
          #expect(result.lines.count == 1, "\(result)")
        }
      }
    }

    private func withDemo(_ body: (MountedFileSystem) async throws -> Void) async throws {
      try await withLab { lab in
        try await body(try await MountedFileSystem.start(lab, .demo))
      }
    }

    /// Everything else still works: the session, and bytes in and out.
    private func expectWorking(_ mount: MountedFileSystem) async throws {
      #expect(await mount.shell("cat $T/state").value == "LOGGED_IN")
      await mount.shell(
        """
        printf working | dd of=$T/lun2 bs=7 seek=9 conv=notrunc,fsync status=none
        cmp <(printf working) <(dd if=$T/lun2 bs=7 skip=9 count=1 status=none)
        """
      ).expectSuccess()
    }
  }
}
