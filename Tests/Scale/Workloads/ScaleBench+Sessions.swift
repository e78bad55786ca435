import Glibc
import ProcessUsage
import TargetSimulator

/// Targets that are logged in to.
extension ScaleBench {
  private static let unitsPerTarget = 4

  func measureSessions() async throws {
    for count in counts.isEmpty ? [1, 8, 64] : counts {
      try withSessions(count) { name, daemon, before in
        let target = try daemon.names(in: "targets")[0]
        var files: [Int32] = []
        defer { for file in files { close(file) } }
        let opens = try Self.time {
          for path in try daemon.names(in: "by-id") {
            files.append(try daemon.open("by-id/\(path)"))
          }
        }
        report(name, "LUNs open", Double(files.count), "")
        report(name, "open, per LUN", opens * 1e6 / Double(max(1, files.count)), "us")
        let open = daemon.usage
        report(name, "memory, all open", open.residentKibibytes / 1024, "MiB")
        report(
          name, "memory per session",
          (open.residentKibibytes - before.residentKibibytes) / Double(count), "KiB")
        report(
          name, "ls -l of a target",
          try Self.median { try Child.run(["ls", "-l", "\(daemon.mountpoint)/targets/\(target)"]) }
            * 1000, "ms")
        report(name, "cat status", try Self.median { _ = try daemon.read("status") } * 1000, "ms")
      }
    }
  }

  func measureIdle() async throws {
    for count in counts.isEmpty ? [1, 64] : counts {
      // The worst case: no two sessions are due for a ping at one moment.
      try withSessions(count, apart: 5_000_000 / count) { name, daemon, _ in
        var files: [Int32] = []
        defer { for file in files { close(file) } }
        for path in try daemon.names(in: "by-id") { files.append(try daemon.open("by-id/\(path)")) }
        // What the logins left behind is over by then.
        sleep(6)
        let before = daemon.usage
        sleep(UInt32(seconds))
        let after = daemon.usage
        let span = Double(seconds)
        report(
          name, "idle, CPU", (after.cpuNanoseconds - before.cpuNanoseconds) / 1e6 / span,
          "ms a second")
        report(
          name, "idle, threads going to sleep", after.sleeps(since: before) / span, "a second")
        report(name, "idle, memory", after.residentKibibytes / 1024, "MiB")
      }
    }
  }

  /// Runs `body` with a daemon logged in to `count` targets; its third argument is before that.
  private func withSessions(
    _ count: Int, apart microseconds: Int = 0,
    _ body: (String, MountedDaemon, ProcessUsage) throws -> Void
  ) throws {
    let server = try SimulatorServer(
      SimulatedPortal(targets: Self.targets(count, units: Self.unitsPerTarget)))
    defer { server.stop() }
    let daemon = try MountedDaemon(self, options: ["login=\(microseconds > 0 ? "manual" : "auto")"])
    let name = "sessions \(count)"
    let before = daemon.usage
    let login = try Self.time { try daemon.command("discover \(server.address)") }
    report(name, "discover and log in", login * 1000, "ms")
    if microseconds > 0 {
      for target in try daemon.names(in: "targets") {
        try daemon.command("login", to: "targets/\(target)/control")
        usleep(UInt32(microseconds))
      }
    }
    report(name, "memory before", before.residentKibibytes / 1024, "MiB")
    report(name, "memory, logged in", daemon.usage.residentKibibytes / 1024, "MiB")
    try body(name, daemon, before)
    report(name, "log out and unmount", try daemon.end() * 1000, "ms")
  }
}
