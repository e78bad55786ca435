import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// A secret nobody else has is looked for wherever it could have gone.
  @Suite("Canary")
  struct CanaryTests {
    private static let secrets = (0..<4).map { number in
      "S3CRET-CANARY-\(number)-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
    }

    private static func configuration(
      _ prefix: String, _ secret: String, _ theirs: String
    ) -> String {
      """
      \(prefix).authmethod = CHAP
      \(prefix).username = alice
      \(prefix).password = \(secret)
      \(prefix).username_in = the-target
      \(prefix).password_in = \(theirs)
      \(prefix).chap_algs = SHA3-256,SHA256,SHA1,MD5

      """
    }

    /// A target that lets alice in, one that has another secret for her, and one that cannot prove
    /// who it is: successes and failures alike are searched.
    private static func targets() -> [SimulatedTarget] {
      let proofs = [
        ("good", secrets[0], secrets[1]), ("denies", "another secret", secrets[1]),
        ("impostor", secrets[0], "another secret"),
      ]
      return proofs.map { name, secret, proof in
        let target = SimulatedTarget(
          name: "iqn.2026-11.org.iscsifs:\(name)",
          credentials: .init(user: "alice", secret: secret, mutual: ("the-target", proof)))
        target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 1)
        return target
      }
    }

    @Test("C34 a secret is in no log, no file of the mount, no argument, and no environment")
    func search() async throws {
      try await withLab { lab in
        let server = try SimulatedPortalServer(
          lab, Self.targets(),
          discovery: .init(
            user: "alice", secret: Self.secrets[2], mutual: ("the-target", Self.secrets[3])))
        let file = try lab.write(
          Self.configuration("node.session.auth", Self.secrets[0], Self.secrets[1])
            + Self.configuration(
              "discovery.sendtargets.auth", Self.secrets[2], Self.secrets[3]))
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(server.address), options: ["config=\(file)"], logging: ["-vv"])
        let isThere = await eventually(.seconds(30)) {
          await mount.shell("cat targets/*/state").lines == ["FAILED", "LOGGED_IN", "FAILED"]
        }
        let errors = await mount.shell("cat status targets/*/last_error")
        #expect(isThere, "\(errors)")
        #expect(errors.output.contains("24 LOGIN_AUTH_FAILED"), "\(errors)")
        let log = await mount.shell("cat targets/*good/login_log targets/*denies/login_log")
        #expect(log.lines.contains("> CHAP_R=********"), "\(log)")

        // The search itself finds what is there.
        let bait = await mount.shell("grep -rlF alice --exclude='lun[0-9]*' $M/targets")
        #expect(bait.output.contains("login_log"), "\(bait)")
        let found = await mount.shell(
          """
          grep -rlaF S3CRET-CANARY --exclude='lun[0-9]*' $M 2>/dev/null
          grep -laF S3CRET-CANARY $M/targets/*good/lun1
          for file in cmdline environ comm status maps mountinfo; do
            grep -laF S3CRET-CANARY /proc/\(mount.daemonID)/$file
          done
          $ISCSIFS status $M | grep -F S3CRET-CANARY
          $ISCSIFS status $M --json | grep -F S3CRET-CANARY
          """)
        #expect(found.output.isEmpty, "\(found)")
        let daemonLog = mount.foreground?.output ?? ""
        #expect(daemonLog.contains("LOGIN_AUTH_FAILED"), "\(daemonLog)")
        #expect(!daemonLog.contains("S3CRET-CANARY"))
        // Nor in the form the challenge's answer was made of.
        let hexadecimal = Self.secrets.map { secret in
          secret.utf8.map { String($0, radix: 16) }.joined()
        }
        for secret in hexadecimal { #expect(!daemonLog.contains(secret)) }
        await mount.shell("echo logout > $(ls -d targets/*good)/control").expectSuccess()
      }
    }

    @Test("C34 a secret written to config is used, and shown nowhere: not there, not in a capture")
    func written() async throws {
      try await withLab { lab in
        let server = try SimulatedPortalServer(lab, [Self.targets()[0]])
        let file = try lab.write(
          Self.configuration("node.session.auth", Self.secrets[0], Self.secrets[1]))
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(server.address), options: ["login=manual"], logging: ["-vv"])
        #expect(await eventually { await mount.shell("test -e $T/config").status == 0 })
        await mount.shell("echo login > $T/control").expectFailure("")
        await mount.shell("cat \(file) > $T/config && echo login > $T/control").expectSuccess()
        let shown = await mount.shell("grep -h password $T/config")
        #expect(shown.lines.count { $0.hasSuffix("= ********") } >= 2, "\(shown)")
        // A session that is lost logs in again while it is captured.
        let capture = lab.fresh("capture")
        await mount.shell(
          """
          cd $T/sessions/*/ && { timeout 20 cat capture > \(capture) & }
          until [ -s \(capture) ]; do sleep 0.05; done
          echo drop > control && until grep -qaF CHAP_R \(capture); do sleep 0.05; done
          kill $!
          """
        ).expectSuccess()
        let found = await mount.shell(
          """
          grep -rlaF S3CRET-CANARY --exclude='lun[0-9]*' $M \(capture) 2>/dev/null
          for file in cmdline environ comm status maps mountinfo; do
            grep -laF S3CRET-CANARY /proc/\(mount.daemonID)/$file
          done
          """)
        #expect(found.output.isEmpty, "\(found)")
        #expect(mount.foreground?.output.contains("S3CRET-CANARY") == false)
        await mount.shell("echo logout > $T/control").expectSuccess()
      }
    }

    @Test("a discovery by hand shows it no more than a mount does")
    func discovering() async throws {
      try await withLab { lab in
        let server = try SimulatedPortalServer(
          lab, Self.targets(), discovery: .init(user: "alice", secret: "another secret"))
        let file = try lab.write(
          Self.configuration("discovery.sendtargets.auth", Self.secrets[2], Self.secrets[3]))
        let result = await lab.shell(
          "\(Binary.path) discover \(server.address) -vv -o config=\(file)")
        #expect(result.status != 0 && result.output.contains("Authentication failure"), "\(result)")
        #expect(!result.output.contains("S3CRET-CANARY"), "\(result)")
      }
    }
  }
}
