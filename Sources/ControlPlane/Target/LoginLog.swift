/// The last tries to log in to one target, oldest first, numbered from the first ever.
struct LoginLog: Sendable {
  static let maximumCount = 8

  private var records: [LoginRecord] = []
  private var forgottenCount = 0

  mutating func append(_ tried: [LoginRecord]) {
    records += tried
    let excess = records.count - Self.maximumCount
    guard excess > 0 else { return }
    records.removeFirst(excess)
    forgottenCount += excess
  }

  /// As `login_log` shows it: a numbered line a try, then what both sides said.
  var text: String {
    records.enumerated().map { index, record in
      "login \(forgottenCount + index + 1) at \(record.text)"
    }.joined(separator: "\n")
  }
}
