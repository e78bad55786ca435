import Glibc
import ProcessUsage
import TargetSimulator

/// Many LUNs of one target.
extension ScaleBench {
  func measureUnits() async throws {
    for count in counts.isEmpty ? [1, 256, 4096] : counts {
      let server = try SimulatorServer(SimulatedPortal(targets: Self.targets(1, units: count)))
      defer { server.stop() }
      let daemon = try MountedDaemon(self, options: ["login=auto"])
      let name = "units \(count)"
      let before = daemon.usage
      let login = try Self.time { try daemon.command("discover \(server.address)") }
      let after = daemon.usage
      report(name, "discover and log in", login * 1000, "ms")
      report(name, "log in, per LUN", login * 1e6 / Double(count), "us")
      report(
        name, "log in, CPU per LUN",
        (after.cpuNanoseconds - before.cpuNanoseconds) / 1e3 / Double(count), "us")
      report(
        name, "memory per LUN",
        (after.residentKibibytes - before.residentKibibytes) / Double(count), "KiB")
      let target = try daemon.names(in: "targets")[0]
      let path = "targets/\(target)"
      report(name, "names in it", Double(try daemon.names(in: path).count), "")
      let list = { try Child.run(["ls", "-l", "\(daemon.mountpoint)/\(path)"]) }
      report(name, "ls -l, the first time", try Self.time(list) * 1000, "ms")
      report(name, "ls -l, again", try Self.median { try list() } * 1000, "ms")
      report(
        name, "ls -l by-id",
        try Self.time { try Child.run(["ls", "-l", "\(daemon.mountpoint)/by-id"]) } * 1000, "ms")
      var files: [Int32] = []
      let opens = try Self.time {
        for unit in 0..<count { files.append(try daemon.open("\(path)/lun\(unit)")) }
      }
      report(name, "open, per LUN", opens * 1e6 / Double(count), "us")
      let closes = Self.time { for file in files { _ = close(file) } }
      report(name, "close, per LUN", closes * 1e6 / Double(count), "us")
      let rescan = try Self.time { try daemon.command("rescan", to: path + "/control") }
      report(name, "rescan, per LUN", rescan * 1e6 / Double(count), "us")
      report(name, "peak memory", daemon.usage.peakKibibytes / 1024, "MiB")
      report(name, "log out and unmount", try daemon.end() * 1000, "ms")
    }
  }
}
