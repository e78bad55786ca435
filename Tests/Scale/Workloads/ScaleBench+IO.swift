import FoundationEssentials
import Glibc
import ProcessUsage

/// What an I/O costs when it goes through one of many sessions.
extension ScaleBench {
  func measureIO() async throws {
    let counts = counts.isEmpty ? [1, 8, 64] : counts
    let targets = try NullTargets(self, count: counts.max() ?? 1)
    defer { targets.end() }
    let daemon = try MountedDaemon(self, options: ["login=auto"])
    try daemon.command("discover \(targets.address)")
    let files = try daemon.names(in: "by-id").sorted()
    guard files.count >= counts.max() ?? 1 else {
      throw Failure(description: "\(files.count) LUNs are there; see \(daemon.log)")
    }
    // Under short names: fio takes a few thousand characters of them.
    let paths = try files.indices.map { number in
      let path = "\(directory)/\(number)"
      try FileManager.default.createSymbolicLink(
        atPath: path, withDestinationPath: "\(daemon.mountpoint)/by-id/\(files[number])")
      return path
    }
    // Interleaved, so that what else the machine does hits all alike.
    var costs: [String: [Double]] = [:]
    let rounds = 5
    for _ in 0..<rounds {
      for depth in [1, 32] {
        for count in counts {
          costs["\(count) at depth \(depth)", default: []].append(
            try cost(of: Array(paths.prefix(count)), depth: depth, daemon))
        }
      }
    }
    for (what, values) in costs.sorted(by: { $0.key < $1.key }) {
      report(
        "io", "4 KiB reads, sessions \(what), CPU", values.sorted()[rounds / 2], "us an I/O")
    }
    try daemon.end()
  }

  /// The daemon's CPU time for one of many random reads of 4 KiB, in microseconds.
  private func cost(of files: [String], depth: Int, _ daemon: MountedDaemon) throws -> Double {
    let before = daemon.usage
    let output = directory + "/fio.json"
    try? FileManager.default.removeItem(atPath: output)
    try Child.run(
      [
        "fio", "--name=io", "--filename=\(files.joined(separator: ":"))", "--size=1g",
        "--rw=randread", "--bs=4k", "--iodepth=\(depth)", "--ioengine=libaio", "--direct=1",
        "--file_service_type=random", "--norandommap", "--randrepeat=0", "--time_based",
        "--runtime=\(max(1, seconds / 10))", "--minimal",
      ], output: output)
    let nanoseconds = daemon.usage.cpuNanoseconds - before.cpuNanoseconds
    // --minimal is terse version 3: field 8 is the IOPS of reads, field 9 the milliseconds.
    let text = (try? String(contentsOf: URL(filePath: output), encoding: .utf8)) ?? ""
    let fields = text.split(separator: "\n").last?.split(separator: ";") ?? []
    guard fields.count > 9, let iops = Double(fields[7]), let milliseconds = Double(fields[8])
    else { throw Failure(description: "fio said: \(text)") }
    return nanoseconds / 1000 / (iops * milliseconds / 1000)
  }
}
