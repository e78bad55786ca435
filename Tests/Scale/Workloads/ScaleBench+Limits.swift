import Glibc
import ProcessUsage
import TargetSimulator

/// Where a mount is full, and where all its sessions fail at once.
extension ScaleBench {
  func measureLimits() async throws {
    for count in counts.isEmpty ? [65, 10_000] : counts {
      let server = try SimulatorServer(SimulatedPortal(targets: Self.targets(count, units: 1)))
      defer { server.stop() }
      let daemon = try MountedDaemon(self, options: ["login=auto"])
      let name = "limits \(count)"
      let login = try Self.time { try daemon.command("discover \(server.address)") }
      report(name, "discover and log in", login * 1000, "ms")
      let states = try daemon.read("status").split(separator: "\n")
      report(name, "logged in", Double(states.count { $0.contains(" LOGGED_IN ") }), "")
      report(name, "waiting for a place", Double(states.count { $0.contains(" FAILED ") }), "")
      sleep(6)
      let before = daemon.usage
      sleep(UInt32(seconds))
      let after = daemon.usage
      report(
        name, "idle, CPU",
        (after.cpuNanoseconds - before.cpuNanoseconds) / 1e6 / Double(seconds), "ms a second")
      report(name, "memory", after.residentKibibytes / 1024, "MiB")
      report(name, "log out and unmount", try daemon.end() * 1000, "ms")
    }
  }

  /// Every connection is reset at once: how long until all sessions are back.
  func measureRecovery() async throws {
    for count in counts.isEmpty ? [1, 8, 64] : counts {
      let server = try SimulatorServer(SimulatedPortal(targets: Self.targets(count, units: 8)))
      defer { server.stop() }
      let daemon = try MountedDaemon(self, options: ["login=auto"])
      try daemon.command("discover \(server.address)")
      let name = "recovery \(count)"
      let before = daemon.usage
      server.withPortal { portal in
        for connection in portal.connections { connection.reset() }
      }
      var isLost = false
      let seconds = try Self.time {
        while true {
          let status = try daemon.read("status")
          if status.contains(" RECOVERING ") { isLost = true } else if isLost { break }
          usleep(2000)
        }
      }
      report(name, "until all sessions are back", seconds * 1000, "ms")
      report(
        name, "CPU per session",
        (daemon.usage.cpuNanoseconds - before.cpuNanoseconds) / 1e6 / Double(count), "ms")
      report(name, "log out and unmount", try daemon.end() * 1000, "ms")
    }
  }
}
