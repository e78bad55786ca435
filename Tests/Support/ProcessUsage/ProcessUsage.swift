import FoundationEssentials
package import Glibc

/// What a process has used, as /proc tells it.
package struct ProcessUsage: Sendable {
  /// VmRSS: pages in memory, of libraries too.
  package var residentKibibytes = 0.0
  /// RssAnon: pages of its own.
  package var anonymousKibibytes = 0.0
  /// VmHWM.
  package var peakKibibytes = 0.0
  /// Of all threads, those that have ended too.
  package var cpuNanoseconds = 0.0
  /// How often each thread went to sleep, by its id.
  private var sleeps: [String: Double] = [:]

  package init(of processID: pid_t) {
    let status = Self.fields(of: "/proc/\(processID)/status")
    residentKibibytes = status["VmRSS"] ?? 0
    anonymousKibibytes = status["RssAnon"] ?? 0
    peakKibibytes = status["VmHWM"] ?? 0
    let tasks = "/proc/\(processID)/task"
    for thread in (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? [] {
      sleeps[thread] = Self.fields(of: "\(tasks)/\(thread)/status")["voluntary_ctxt_switches"]
    }
    var clock = clockid_t()
    var time = timespec()
    // SAFETY: both outlive the calls.
    guard unsafe clock_getcpuclockid(processID, &clock) == 0,
      unsafe clock_gettime(clock, &time) == 0
    else { return }
    cpuNanoseconds = Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
  }

  /// How often a thread went to sleep since `before`; what one did that has ended since is lost.
  package func sleeps(since before: ProcessUsage) -> Double {
    sleeps.reduce(0) { $0 + $1.value - (before.sleeps[$1.key] ?? 0) }
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
