import Lab
import LinuxIO
import ProcessUsage
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// What many targets, sessions and LUNs cost the daemon, counted, never timed.
  @Suite("Scale")
  struct ScaleTests {
    @Test("Ten thousand targets cost little each, are listed whole, and fit in 64 MiB")
    func targets() async throws {
      try await withLab { lab in
        let few = try SimulatedPortalServer(lab, targets(1000, prefix: "few"))
        let many = try SimulatedPortalServer(lab, targets(9000, prefix: "many"))
        let mount = try await MountedFileSystem.start(lab, .mount("none"))
        await mount.shell("echo discover \(few.address) > control").expectSuccess()
        // The kernel and the daemon know every one of them.
        #expect(await mount.shell("ls -l targets | grep -c few").value == "1000")
        let before = ProcessUsage(of: mount.daemonID)
        await mount.shell("echo discover \(many.address) > control").expectSuccess()
        #expect(await mount.shell("ls -l targets | grep -c :").value == "10000")
        let after = ProcessUsage(of: mount.daemonID)
        let each = (after.anonymousKibibytes - before.anonymousKibibytes) / 9000
        print("a target: \(each) KiB; all: \(after.anonymousKibibytes / 1024) MiB")
        #expect(each < 4)
        #expect(after.anonymousKibibytes < 64 * 1024)
        #expect(await mount.shell("grep -c LOGGED_OUT status").value == "10000")
      }
    }

    @Test("With all sessions logged in and all LUNs open, memory is within the contract")
    func sessions() async throws {
      try await withMany { mount in
        await mount.shell("for f in by-id/*; do exec {n}<$f; done").expectSuccess()
        let usage = ProcessUsage(of: mount.daemonID)
        print("\(sessionCount) sessions: \(usage.anonymousKibibytes / 1024) MiB")
        #expect(usage.anonymousKibibytes < 64 * 1024)
      }
    }

    @Test("Idle sessions wake nobody but to ping: no timer runs")
    func idle() async throws {
      try await withMany(options: ["node.conn[0].timeo.noop_out_interval=0"]) { mount in
        let sleeps = try await sleeps(of: mount, seconds: 4)
        print("\(sessionCount) idle sessions without pings: \(sleeps) wakes in 4 s")
        // Swift's runtime looks after its threads once a second.
        #expect(sleeps <= 8)
      }
    }

    @Test("A ping is one wake for its sending, shared with others, and one for its answer at most")
    func pings() async throws {
      try await withMany(options: ["node.conn[0].timeo.noop_out_interval=1"]) { mount in
        let sleeps = try await sleeps(of: mount, seconds: 4)
        print("\(sessionCount) idle sessions pinging each second: \(sleeps) wakes in 4 s")
        #expect(sleeps >= 4)
        #expect(sleeps <= Double(4 * (sessionCount + 8 + 1) * 5 / 4))
      }
    }

    @Test("One target more than there are sessions waits and says why, and has the next free place")
    func tooMany() async throws {
      try await withMany(targetCount: sessionCount + 1) { mount in
        #expect(mount.greeting.contains("no room for another session"), "\(mount.greeting)")
        let waiting = "W=$(dirname $(grep -l FAILED targets/*/state))\n"
        let refusal = await mount.shell(
          waiting + "cat $W/last_error; /bin/echo login > $W/control")
        #expect(refusal.lines.first?.hasPrefix("3 NOMEM no room") ?? false, "\(refusal)")
        refusal.expectFailure("Resource temporarily unavailable")
        await mount.shell(
          "echo logout > $(dirname $(grep -l LOGGED_IN targets/*/state | head -1))/control"
        ).expectSuccess()
        #expect(
          await mount.shell("grep -l LOGGED_IN targets/*/state | wc -l").value
            == "\(sessionCount - 1)")
      }
    }

    /// Sixty-four on each reactor.
    private let sessionCount =
      64 * (Binary.channel == "uring" ? min(2, Processors.possibleCount) : 1)

    /// Times a thread of the daemon went to sleep while nobody looked at the mount.
    private func sleeps(of mount: MountedFileSystem, seconds: Int) async throws -> Double {
      // Threads of Swift's runtime that the logins needed end after some seconds.
      try await Task.sleep(for: .seconds(7))
      let before = ProcessUsage(of: mount.daemonID)
      try await Task.sleep(for: .seconds(seconds))
      return ProcessUsage(of: mount.daemonID).sleeps(since: before)
    }

    /// Mounts as many targets as there may be sessions, with four LUNs each.
    private func withMany(
      targetCount: Int? = nil, options: [String] = [],
      _ body: @Sendable (MountedFileSystem) async throws -> Void
    ) async throws {
      let count = targetCount ?? sessionCount
      try await withLab { lab in
        let server = try SimulatedPortalServer(lab, targets(count, prefix: "t", units: 4))
        let mount = try await MountedFileSystem.start(
          lab, .mount(server.address), options: options)
        #expect(
          await mount.shell("grep -c ' LOGGED_IN ' status").value
            == "\(min(count, sessionCount))")
        try await body(mount)
      }
    }

    private func targets(_ count: Int, prefix: String, units: Int = 1) -> [SimulatedTarget] {
      (0..<count).map { index in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:\(prefix).\(index)")
        for unit in 0..<units {
          target.add(
            SimulatedLogicalUnit(
              .init(blockCount: 2048, identity: UInt32(index * units + unit + 1))), lun: unit)
        }
        return target
      }
    }
  }
}
