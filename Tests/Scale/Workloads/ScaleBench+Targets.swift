import Glibc
import ProcessUsage
import TargetSimulator

/// Targets that are known and not logged in to.
extension ScaleBench {
  func measureTargets() async throws {
    for count in counts.isEmpty ? [1, 1000, 10_000] : counts {
      let server = try SimulatorServer(SimulatedPortal(targets: Self.targets(count, units: 1)))
      defer { server.stop() }
      let daemon = try MountedDaemon(self, options: ["login=manual"])
      let name = "targets \(count)"
      let before = daemon.usage
      let first = try Self.time { try daemon.command("discover \(server.address)") }
      let after = daemon.usage
      report(name, "discover", first * 1000, "ms")
      report(name, "discover, per target", first * 1e6 / Double(count), "us")
      report(name, "memory before", before.residentKibibytes / 1024, "MiB")
      report(name, "memory after", after.residentKibibytes / 1024, "MiB")
      report(
        name, "memory per target",
        (after.residentKibibytes - before.residentKibibytes) / Double(count), "KiB")
      let again = try Self.time { try daemon.command("discover \(server.address)") }
      report(name, "discover the same again", again * 1000, "ms")
      try measureListing(name, daemon)
      try measureOneLogin(name, daemon)
      report(name, "memory at the end", daemon.usage.residentKibibytes / 1024, "MiB")
      report(name, "peak memory", daemon.usage.peakKibibytes / 1024, "MiB")
      report(name, "unmount", try daemon.end() * 1000, "ms")
    }
  }

  private func measureListing(_ name: String, _ daemon: MountedDaemon) throws {
    let targets = try daemon.names(in: "targets")
    report(name, "names in targets/", Double(targets.count), "")
    let directory = daemon.mountpoint + "/targets"
    report(name, "readdir", try Self.median { _ = try daemon.names(in: "targets") } * 1000, "ms")
    report(name, "ls", try Self.median { try Child.run(["ls", directory]) } * 1000, "ms")
    let fresh = try Self.time { try Child.run(["ls", "-l", directory]) }
    report(name, "ls -l, the first time", fresh * 1000, "ms")
    report(
      name, "ls -l, again", try Self.median { try Child.run(["ls", "-l", directory]) } * 1000, "ms")
    let states = try Self.time {
      for target in targets { _ = try daemon.read("targets/\(target)/state") }
    }
    report(name, "read every state, per target", states * 1e6 / Double(targets.count), "us")
    report(name, "cat status", try Self.median { _ = try daemon.read("status") } * 1000, "ms")
    report(
      name, "stat of status",
      try Self.median { try Child.run(["stat", daemon.mountpoint + "/status"]) } * 1000, "ms")
    report(
      name, "iscsifs status --json",
      try Self.time { try Child.run([binary, "status", "--json", daemon.mountpoint]) } * 1000, "ms")
  }

  /// One target of the many, while the kernel knows all.
  private func measureOneLogin(_ name: String, _ daemon: MountedDaemon) throws {
    let target = "targets/\(try daemon.names(in: "targets")[0])"
    var cpu = daemon.usage.cpuNanoseconds
    let login = try Self.time { try daemon.command("login", to: target + "/control") }
    usleep(300_000)
    report(name, "log in to one", login * 1000, "ms")
    report(name, "log in to one, CPU", (daemon.usage.cpuNanoseconds - cpu) / 1e6, "ms")
    cpu = daemon.usage.cpuNanoseconds
    let rounds = 20
    let opens = try Self.time {
      for _ in 0..<rounds { close(try daemon.open(target + "/lun0")) }
    }
    usleep(300_000)
    report(name, "open and close a LUN", opens * 1e6 / Double(rounds), "us")
    report(
      name, "open and close a LUN, CPU",
      (daemon.usage.cpuNanoseconds - cpu) / 1e3 / Double(rounds), "us")
    let logout = try Self.time { try daemon.command("logout", to: target + "/control") }
    report(name, "log out of one", logout * 1000, "ms")
  }
}
