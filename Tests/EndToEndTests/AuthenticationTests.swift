import Lab
import Testing

extension EndToEnd {
  /// CHAP against tgt, with the secret in a configuration file.
  @Suite("CHAP", .requires(.tgtd))
  struct AuthenticationTests {
    private static let account = TargetDaemon.Account(user: "alice", password: "correct-horse-9")

    private static func configuration(password: String) -> String {
      """
      node.session.auth.authmethod = CHAP
      node.session.auth.username = alice
      node.session.auth.password = \(password)

      """
    }

    @Test("The right secret logs in, and nothing shows it")
    func right() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(account: Self.account)])
        let file = try lab.write(Self.configuration(password: Self.account.password))
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(file)"])
        #expect(mount.greeting.isEmpty, "\(mount.greeting)")
        await mount.expectServing()
        let leaks = await mount.shell(
          """
          grep -rsl \(Self.account.password) --exclude='lun[0-9]*' $M \
            /proc/\(mount.daemonID)/cmdline /proc/\(mount.daemonID)/environ
          """)
        #expect(leaks.output.isEmpty, "\(leaks)")
      }
    }

    private static let outgoing = TargetDaemon.Account(
      user: "the-target", password: "battery-staple-7")

    private static func mutual(password: String, algorithms: String) -> String {
      configuration(password: account.password)
        + """
        node.session.auth.username_in = the-target
        node.session.auth.password_in = \(password)
        node.session.auth.chap_algs = \(algorithms)

        """
    }

    @Test("C01, C33 tgt proves who it is, by what it chooses", arguments: ["MD5", "SHA1,MD5"])
    func mutual(algorithms: String) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(account: Self.account, outgoing: Self.outgoing)])
        let file = try lab.write(
          Self.mutual(password: Self.outgoing.password, algorithms: algorithms))
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(file)"])
        #expect(mount.greeting.isEmpty, "\(mount.greeting)")
        await mount.expectServing()
        let log = await mount.shell("stat -c %a $T/login_log && cat $T/login_log")
        #expect(log.lines.first == "400", "\(log)")
        let wanted = [
          "login 1 at \(daemon.address): logged in", "> CHAP_N=alice", "> CHAP_R=********",
          "> CHAP_C=********", "< CHAP_C=********", "< CHAP_N=the-target", "< CHAP_R=********",
        ]
        for line in wanted { #expect(log.lines.contains(line), "\(line)\n\(log)") }
      }
    }

    @Test("C23, C24 a tgt that does not know its secret is refused")
    func impostor() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(account: Self.account, outgoing: Self.outgoing)])
        let file = try lab.write(Self.mutual(password: "battery-staple-8", algorithms: "MD5"))
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(file)"])
        let error = await mount.shell("cat $T/last_error")
        #expect(error.output.hasPrefix("24 LOGIN_AUTH_FAILED "), "\(error)")
        #expect(error.output.contains("does not know the secret"), "\(error)")
        await mount.shell("echo login > $T/control").expectFailure("Key was rejected by service")
        #expect(await daemon.sessionCount() == 0)
      }
    }

    @Test("C33 tgt chooses SHA-256 and computes another: it is offered the rest, once")
    func fallback() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(account: Self.account)])
        let file = try lab.write(
          Self.configuration(password: Self.account.password)
            + "node.session.auth.chap_algs = SHA3-256,SHA256,MD5\n")
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(file)", "sessions=1"])
        #expect(mount.greeting.isEmpty, "\(mount.greeting)")
        await mount.expectServing()
        await mount.shell("echo logout > $T/control && echo login > $T/control").expectSuccess()
        let log = await mount.shell("cat $T/login_log")
        let offers = log.lines.filter { $0.hasPrefix("> CHAP_A=") }
        // Where tgt learns to compute SHA-256 there is nothing to fall back from.
        let isFixed = offers == ["> CHAP_A=8,7,5", "> CHAP_A=8,7,5"]
        #expect(
          isFixed || offers == ["> CHAP_A=8,7,5", "> CHAP_A=8,5", "> CHAP_A=8,5"], "\(log)")
      }
    }

    @Test("A wrong secret is EKEYREJECTED with a sentence, and other mounts go on")
    func wrong() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab,
          [
            TargetDaemon.Target(account: Self.account),
            TargetDaemon.Target(name: "iqn.2026-11.org.iscsifs:zopen"),
          ])
        let file = try lab.write(Self.configuration(password: "wrong-horse-99"))
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["config=\(file)"])
        #expect(
          mount.greeting.hasPrefix("iscsifs: not logged in: \(daemon.address), target iqn.2026-11"),
          "\(mount.greeting)")
        #expect(mount.greeting.split(separator: "\n").count == 2, "\(mount.greeting)")
        #expect(await mount.shell("cat $T/state").value == "FAILED")
        let error = await mount.shell("cat $T/last_error")
        #expect(error.output.hasPrefix("24 LOGIN_AUTH_FAILED "), "\(error)")
        await mount.shell("echo login > $T/control").expectFailure("Key was rejected by service")
        #expect(await mount.shell("ls $T | grep -c lun").value == "0")
        // The open target is found by the same portal, by who asks for no CHAP.
        let other = try await MountedFileSystem.start(lab, .mount(daemon.address))
        #expect(await other.shell("cat targets/*zopen/state").value == "LOGGED_IN")
        #expect(await other.shell("cat targets/*tgt/state").value == "FAILED")
      }
    }

    @Test("A secret others may read is not used, and the sentence says what to do")
    func readableByOthers() async throws {
      try await withLab { lab in
        let file = try lab.write(
          Self.configuration(password: Self.account.password), mode: 0o644)
        let mountpoint = try lab.makeDirectory("mnt")
        let result = await lab.shell(
          "\(Binary.path) mount 127.0.0.1:1 \(mountpoint) -o config=\(file)")
        #expect(result.status == 78, "\(result)")
        #expect(result.output.contains("\(file):3: "), "\(result)")
        #expect(result.output.contains("chmod 600"), "\(result)")
        #expect(!result.output.contains(Self.account.password), "\(result)")
      }
    }

    @Test("A secret does not go on a command line")
    func onCommandLine() async throws {
      try await withLab { lab in
        let mountpoint = try lab.makeDirectory("mnt")
        let result = await lab.shell(
          """
          \(Binary.path) mount 127.0.0.1:1 \(mountpoint) \\
            -o node.session.auth.password=\(Self.account.password)
          """)
        #expect(result.status == 64 || result.status == 78, "\(result)")
        #expect(!result.output.contains(Self.account.password), "\(result)")
      }
    }
  }
}
