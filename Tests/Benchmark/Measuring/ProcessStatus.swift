import FoundationEssentials

/// Single values of `/proc/PID/status`.
enum ProcessStatus {
  /// The most memory a process has had resident.
  static func peakMemoryBytes(of processID: Int32) -> Int? {
    text(of: "\(processID)").flatMap(peakMemoryBytes(in:))
  }

  /// The processors this process may run on.
  static func allowedProcessors() -> [Int] {
    text(of: "self").flatMap { value(of: "Cpus_allowed_list", in: $0) }.map(processors(in:)) ?? [0]
  }

  static func peakMemoryBytes(in text: String) -> Int? {
    let words = value(of: "VmHWM", in: text)?.split(separator: " ") ?? []
    guard words.count == 2, words[1] == "kB" else { return nil }
    return Int(words[0]).map { $0 * 1024 }
  }

  /// The numbers of "0-3,7".
  static func processors(in list: String) -> [Int] {
    list.split(separator: ",").flatMap { part -> [Int] in
      let ends = part.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, first <= last else { return [] }
      return Array(first...last)
    }
  }

  private static func value(of key: String, in text: String) -> String? {
    for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
      return String(line.dropFirst(key.count + 1).drop { $0 == " " || $0 == "\t" })
    }
    return nil
  }

  private static func text(of process: String) -> String? {
    try? String(contentsOf: URL(filePath: "/proc/\(process)/status"), encoding: .utf8)
  }
}
