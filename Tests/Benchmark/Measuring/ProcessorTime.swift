import FoundationEssentials

/// The CPU time of a process, as the scheduler counts it.
enum ProcessorTime {
  /// The time all threads that live have run, in nanoseconds; 0 when the process is gone.
  ///
  /// Source: `/proc/PID/task/TID/schedstat`, proc_pid_schedstat: exact where utime counts ticks.
  static func nanoseconds(of processID: Int32) -> UInt64 {
    let directory = "/proc/\(processID)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    return threads.reduce(0) { sum, thread in
      let path = "\(directory)/\(thread)/schedstat"
      let text = try? String(contentsOf: URL(filePath: path), encoding: .utf8)
      return sum + (text.flatMap(nanoseconds(inStatistics:)) ?? 0)
    }
  }

  /// The first of the three numbers of a schedstat file.
  static func nanoseconds(inStatistics text: String) -> UInt64? {
    let fields = text.split { $0 == " " || $0 == "\n" }
    return fields.count == 3 ? UInt64(fields[0]) : nil
  }
}
