import ISCSI

/// One try of a login as `login_log` shows it: where, how it ended, what both sides said.
struct LoginRecord: Equatable, Sendable {
  /// The most text kept of one try, in bytes.
  static let maximumByteCount = 16_384

  let text: String

  /// - Parameter outcome: the sentence for how it ended.
  init(at portal: Portal, outcome: String, transcript: LoginTranscript) {
    var text = "\(portal.address): \(outcome)\n"
    for line in transcript.lines {
      guard text.utf8.count + line.utf8.count < Self.maximumByteCount - 4 else {
        text += "...\n"
        break
      }
      text += line + "\n"
    }
    self.text = text
  }
}
