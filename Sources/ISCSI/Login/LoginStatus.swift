/// How a target answered a login: Status-Class and Status-Detail.
///
/// Source: RFC 7143, 11.13.5.
package struct LoginStatus: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
  package var statusClass: UInt8
  package var detail: UInt8

  package init(statusClass: UInt8, detail: UInt8) {
    self.statusClass = statusClass
    self.detail = detail
  }

  package var isSuccess: Bool { statusClass == 0 }
  package var isRedirection: Bool { statusClass == 1 && (detail == 1 || detail == 2) }

  /// What trying again can bring.
  package enum Prospect: Equatable, Sendable {
    /// The same login is refused again until somebody changes a configuration.
    case permanent
    /// Room may appear, or the session be found, when other connections have ended.
    case afterWaiting
    /// The target says the trouble is its own: try again, more and more slowly.
    case transient
  }

  package var prospect: Prospect {
    switch (statusClass, detail) {
    case (2, 0x06), (2, 0x08): .afterWaiting
    case (3, 0x00...0x02): .transient
    default: .permanent
    }
  }

  /// open-iscsi's code for the refusal.
  package var errorCode: InitiatorErrorCode {
    switch (statusClass, detail) {
    case (2, 0x01), (2, 0x02): .loginAuthenticationFailed
    default: prospect == .permanent ? .fatalLogin : .login
    }
  }

  /// The RFC's words.
  package var description: String {
    switch (statusClass, detail) {
    case (0, _): "Success"
    case (1, 0x01): "Target moved temporarily"
    case (1, 0x02): "Target moved permanently"
    case (2, 0x00): "Initiator error"
    case (2, 0x01): "Authentication failure"
    case (2, 0x02): "Authorization failure"
    case (2, 0x03): "Not found"
    case (2, 0x04): "Target removed"
    case (2, 0x05): "Unsupported version"
    case (2, 0x06): "Too many connections"
    case (2, 0x07): "Missing parameter"
    case (2, 0x08): "Can't include in session"
    case (2, 0x09): "Session type not supported"
    case (2, 0x0A): "Session does not exist"
    case (2, 0x0B): "Invalid request during login"
    case (3, 0x00): "Target error"
    case (3, 0x01): "Service unavailable"
    case (3, 0x02): "Out of resources"
    default: "Unknown status"
    }
  }

  /// Class and detail as four hexadecimal digits: `0x0201`.
  package var code: String {
    let bytes = statusClass.hexadecimalDigits + detail.hexadecimalDigits
    return "0x" + String(decoding: bytes, as: UTF8.self)
  }
}
