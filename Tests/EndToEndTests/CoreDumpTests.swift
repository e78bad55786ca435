import FoundationEssentials
import Glibc
import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// A daemon that dies with secrets in its memory.
  @Suite("Core dumps", .requires(.coreFiles))
  struct CoreDumpTests {
    /// Mounts with CHAP in a directory of its own where a core may be of any size, ends the daemon
    /// by `signal` and counts the cores there, and those with the secret in them.
    private func cores(
      _ lab: Lab, _ signal: Int32, options: [String]
    ) async throws -> (all: String, withSecret: String) {
      let secret = "S3CRET-CANARY-" + String(UInt64.random(in: 0...UInt64.max), radix: 16)
      let target = SimulatedTarget(
        name: "iqn.2026-11.org.iscsifs:core", credentials: .init(user: "alice", secret: secret))
      target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 1)
      let server = try SimulatedPortalServer(lab, [target])
      let configuration = try lab.write(
        """
        node.session.auth.authmethod = CHAP
        node.session.auth.username = alice
        node.session.auth.password = \(secret)

        """)
      let directory = try lab.makeDirectory("cwd")
      let program = try lab.write(
        """
        #!/bin/sh
        cd \(directory) && ulimit -c unlimited && exec \(Binary.path) "$@"

        """, mode: 0o755)
      let mount = try await MountedFileSystem.startInForeground(
        lab, .mount(server.address), options: ["config=\(configuration)"] + options,
        program: program)
      #expect(
        await eventually(.seconds(30)) {
          await mount.shell("cat $T/state").value == "LOGGED_IN"
        })
      mount.foreground?.signal(signal)
      #expect(await mount.waitForEnd(.seconds(30)) == 128 + signal)
      let all = await lab.shell("ls \(directory) | grep -c ^core")
      let withSecret = await lab.shell("grep -laF \(secret) \(directory)/core* | wc -l")
      return (all.value, withSecret.value)
    }

    @Test("A daemon that dies leaves no core", arguments: [SIGABRT, SIGSEGV, SIGQUIT])
    func none(signal: Int32) async throws {
      try await withLab { lab in
        let found = try await cores(lab, signal, options: [])
        #expect(found.all == "0", "\(found)")
      }
    }

    /// The other test looks in the right place, and this is what it would find.
    @Test("With allow_core it leaves one, secrets included")
    func allowed() async throws {
      try await withLab { lab in
        let found = try await cores(lab, SIGABRT, options: ["allow_core"])
        #expect(found.all == "1" && found.withSecret == "1", "\(found)")
      }
    }
  }
}
