import FoundationEssentials
import Glibc
import Logging
import SystemPackage

/// Where log lines go and which: standard error, in the journal's form when it is the journal.
enum LogSetup {
  /// Call once, before the first logger is made.
  ///
  /// - Parameter usual: the level nobody asked for.
  static func bootstrap(verbosity: Int, usual: Logger.Level = .notice) {
    let environment = ProcessInfo.processInfo.environment
    let level = level(
      verbosity: verbosity, variable: environment["ISCSIFS_LOG"], usual: usual)
    let isJournal = isJournal(variable: environment["JOURNAL_STREAM"])
    LoggingSystem.bootstrap { label in
      LineLogHandler(label: label, level: level, form: isJournal ? .journal : .terminal)
    }
  }

  /// `-v` is debug and `-vv` trace; else what ISCSIFS_LOG says; else the usual.
  static func level(
    verbosity: Int, variable: String?, usual: Logger.Level = .notice
  ) -> Logger.Level {
    switch verbosity {
    case 0: variable.flatMap { Logger.Level(rawValue: $0.lowercased()) } ?? usual
    case 1: .debug
    default: .trace
    }
  }

  /// True when standard error is the stream systemd connected: JOURNAL_STREAM is its "dev:inode".
  ///
  /// Source: systemd.exec(5), `$JOURNAL_STREAM`.
  private static func isJournal(variable: String?) -> Bool {
    guard let variable, let status = try? Stat(FileDescriptor.standardError) else { return false }
    return variable == "\(status.deviceID.rawValue):\(status.inode.rawValue)"
  }
}
