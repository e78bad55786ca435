import FoundationEssentials
import Glibc

/// What a process has used, as /proc tells it.
struct ProcessUsage {
  /// VmRSS: pages in memory, of libraries too.
  var residentKibibytes = 0.0
  /// RssAnon: pages of its own.
  var anonymousKibibytes = 0.0
  /// VmHWM.
  var peakKibibytes = 0.0
  /// Of all threads, on a CPU.
  var cpuNanoseconds = 0.0
  /// Of all threads: how often one went to sleep.
  var sleeps = 0.0
  var threads = 0.0

  init(of processID: pid_t) {
    let status = Self.fields(of: "/proc/\(processID)/status")
    residentKibibytes = status["VmRSS"] ?? 0
    anonymousKibibytes = status["RssAnon"] ?? 0
    peakKibibytes = status["VmHWM"] ?? 0
    let tasks = "/proc/\(processID)/task"
    for thread in (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? [] {
      threads += 1
      sleeps += Self.fields(of: "\(tasks)/\(thread)/status")["voluntary_ctxt_switches"] ?? 0
      let times = Self.text(of: "\(tasks)/\(thread)/schedstat").split(separator: " ")
      cpuNanoseconds += times.first.flatMap { Double($0) } ?? 0
    }
  }

  private static func fields(of path: String) -> [String: Double] {
    var values: [String: Double] = [:]
    for line in text(of: path).split(separator: "\n") {
      let words = line.split { $0 == ":" || $0 == "\t" || $0 == " " }
      if words.count > 1, let value = Double(words[1]) { values[String(words[0])] = value }
    }
    return values
  }

  private static func text(of path: String) -> String {
    (try? String(contentsOf: URL(filePath: path), encoding: .utf8)) ?? ""
  }
}
