import FoundationEssentials

/// What the kernel leaves of a process that dies.
enum CoreFile {
  static let patternPath = "/proc/sys/kernel/core_pattern"

  /// Whether cores lie in the directory a program runs in, and go to no collector.
  static var isLeftWhereAProgramRuns: Bool {
    guard let data = try? Data(contentsOf: URL(filePath: patternPath)) else { return false }
    let pattern = String(decoding: data, as: UTF8.self)
    return pattern.hasPrefix("core") && !pattern.contains("/")
  }
}
