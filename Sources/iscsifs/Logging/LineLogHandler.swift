import Logging
import SystemPackage

/// Writes one line an event to standard error, whole or not at all.
struct LineLogHandler: LogHandler {
  enum Form: Sendable {
    /// "warning iscsifs: message key=value"
    case terminal
    /// "<4>message key=value": the journal takes the priority off. Source: sd-daemon(3).
    case journal
  }

  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  var logLevel: Logger.Level
  private let label: String
  private let form: Form

  init(label: String, level: Logger.Level, form: Form) {
    self.label = label
    self.form = form
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    _ = try? FileDescriptor.standardError.writeAll(line(for: event).utf8)
  }

  /// The line of an event, its newline included. What peers said may be in it: control characters
  /// are shown as `?`, so that no target can write to the terminal or forge a second line.
  func line(for event: LogEvent) -> String {
    let all = metadata.merging(metadataProvider?.get() ?? [:]) { $1 }
      .merging(event.metadata ?? [:]) { $1 }
    var text = "\(event.message)"
    if let error = event.error { text += " (\(error))" }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { text += " \(key)=\(value)" }
    let printable = text.unicodeScalars.map { scalar in
      let isControl = scalar.properties.generalCategory == .control
      return isControl || scalar.properties.isBidiControl ? "?" : Character(scalar)
    }
    let beginning =
      switch form {
      case .terminal: "\(event.level) \(label): "
      case .journal: "<\(LineLogHandler.priority(of: event.level))>"
      }
    return beginning + String(printable) + "\n"
  }

  /// syslog(3)'s priorities.
  private static func priority(of level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
