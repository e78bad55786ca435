import FoundationEssentials
import Glibc

/// What a daemon has of the machine at one moment.
struct DaemonUsage: Sendable {
  var descriptors: Int
  var residentKibibytes: Int
  var threads: Int

  /// Nil when there is no such process any more.
  init?(_ processID: pid_t) {
    guard
      let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processID)/fd"),
      let status = try? String(
        contentsOf: URL(filePath: "/proc/\(processID)/status"), encoding: .utf8)
    else { return nil }
    descriptors = names.count
    func number(_ key: String) -> Int {
      let line = status.split(separator: "\n").first { $0.hasPrefix(key + ":") }
      return line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) } ?? 0
    }
    residentKibibytes = number("VmRSS")
    threads = number("Threads")
  }
}
