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
}
