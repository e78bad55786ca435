/// The one line that comes through the ready pipe. Pure.
enum ReadyMessage: Equatable, Sendable {
  case ready
  case failed(CommandFailure)

  var line: String {
    switch self {
    case .ready: "ready\n"
    case .failed(let failure):
      "error \(failure.status.rawValue) "
        + failure.sentence.split(whereSeparator: \.isNewline).joined(separator: " ") + "\n"
    }
  }

  /// nil: the line is not whole, the daemon ended while it wrote.
  init?(line: String) {
    guard line.last == "\n" else { return nil }
    let parts = line.dropLast().split(separator: " ", maxSplits: 2)
    switch parts.first {
    case "ready" where parts.count == 1:
      self = .ready
    case "error" where parts.count == 3:
      guard let number = Int32(parts[1]), let status = ExitStatus(rawValue: number) else {
        return nil
      }
      self = .failed(CommandFailure(status, String(parts[2])))
    default: return nil
    }
  }
}
