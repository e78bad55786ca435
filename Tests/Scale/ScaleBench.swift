import FoundationEssentials
import Glibc
import TargetSimulator

/// What the workloads share: a directory, the program, a way to print.
final class ScaleBench {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let binary: String
  let options: [String]
  let counts: [Int]
  let seconds: Int
  let port: Int
  let control: Int
  let directory: String

  init(
    binary: String, options: [String], counts: [Int], seconds: Int, port: Int, control: Int
  ) throws {
    let url = URL(filePath: binary)
    guard FileManager.default.isExecutableFile(atPath: url.path) else {
      throw Failure(description: "\(binary) is no program; build it with: make build")
    }
    self.binary = url.path
    self.options = options
    self.counts = counts
    self.seconds = seconds
    self.port = port
    self.control = control
    let parent = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    directory = "\(parent)/iscsifs-scale-\(getpid())"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    Self.title("workload", "what", "value")
  }

  /// Removes the directory, which holds nothing but logs and an empty mount point.
  func end() {
    try? FileManager.default.removeItem(atPath: directory)
  }

  /// One line of the table.
  func report(_ workload: String, _ what: String, _ value: Double, _ unit: String) {
    let number = value == value.rounded() && value < 1e9 ? "\(Int(value))" : Self.decimal(value)
    Self.title(workload, what, "\(number) \(unit)")
  }

  private static func title(_ workload: String, _ what: String, _ value: String) {
    func padded(_ text: String, _ count: Int) -> String {
      text + String(repeating: " ", count: max(1, count - text.count))
    }
    print(padded(workload, 22) + padded(what, 44) + value)
    fflush(nil)
  }

  private static func decimal(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let digits = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - digits.count) + digits
  }

  /// Targets of one portal, with `units` LUNs of a mebibyte each.
  static func targets(_ count: Int, units: Int) -> [SimulatedTarget] {
    (0..<count).map { index in
      let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:scale.\(padded(index))")
      for unit in 0..<units {
        target.add(
          SimulatedLogicalUnit(
            SimulatedLogicalUnit.Configuration(
              blockCount: 2048, identity: UInt32(index * 4096 + unit + 1))), lun: unit)
      }
      return target
    }
  }

  private static func padded(_ index: Int) -> String {
    let digits = String(index)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }

  /// Seconds that `body` takes.
  static func time(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return (ContinuousClock.now - start).inSeconds
  }

  /// The median of what `body` takes, `rounds` times.
  static func median(_ rounds: Int = 5, _ body: () throws -> Void) rethrows -> Double {
    try (0..<rounds).map { _ in try time(body) }.sorted()[rounds / 2]
  }
}

extension Duration {
  var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }
}
