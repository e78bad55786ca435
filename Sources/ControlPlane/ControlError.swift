package import ISCSI
package import SystemPackage

/// Why a command failed: the errno for the writer and the line for `last_error`.
package struct ControlError: Error, Equatable, Sendable {
  package var errno: Errno
  package var code: InitiatorErrorCode
  /// Ends without a full stop; names the object.
  package var sentence: String

  package init(_ errno: Errno, _ code: InitiatorErrorCode, _ sentence: String) {
    self.errno = errno
    self.code = code
    self.sentence = sentence
  }

  /// The line for `last_error`: "<open-iscsi number> <NAME> <sentence>".
  package var line: String { "\(code.rawValue) \(code.name) \(sentence)" }

  /// The line when nothing is wrong.
  package static let successLine = "0 SUCCESS"
}
