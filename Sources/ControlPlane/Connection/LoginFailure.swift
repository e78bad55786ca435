import ISCSI
import SystemPackage

/// Why a connection was not logged in, and what trying again can bring.
struct LoginFailure: Error, Equatable, Sendable {
  var error: ControlError
  /// The same login is refused again until somebody changes something (RFC 7143, 11.13.5).
  var isPermanent: Bool
  /// What the target answered, where it was an answer that failed.
  var status: LoginStatus?
  /// There is no place for another session: nothing was tried, and time brings none.
  var waitsForPlace = false
  /// The CHAP algorithm that may be to blame: the target chose it, and then refused.
  var failedAlgorithm: CHAPAlgorithm?
  /// The target refused before it chose an algorithm.
  var refusedOffer = false
  /// What was tried.
  var records: [LoginRecord] = []

  /// No target refused anything: none was reached, or none answered.
  var isUnanswered: Bool { error.code == .transport || error.code == .transportTimeout }

  init(_ error: ControlError, isPermanent: Bool = false) {
    self.error = error
    self.isPermanent = isPermanent
  }

  /// Every session a mount may have is there.
  static func noPlace(of count: Int) -> LoginFailure {
    var failure = LoginFailure(
      ControlError(
        .resourceTemporarilyUnavailable, .noMemory,
        "no room for another session: all \(count) are in use"))
    failure.waitsForPlace = true
    return failure
  }

  /// The failure of the login itself; `place` names the portal and the target.
  init(_ failure: LoginError, at place: String) {
    error = ControlError(
      failure.contractErrno, failure.errorCode, "\(place): \(failure.sentence)")
    isPermanent = failure.isPermanent
    if case .refused(let status) = failure { self.status = status }
  }
}

extension LoginError {
  /// The error number the tree's contract has for this failure.
  fileprivate var contractErrno: Errno {
    switch self {
    case .refused(let status): status.contractErrno
    case .authentication(let error) where error.isRejection: .keyRejected
    default: .protocolError
    }
  }

  fileprivate var isPermanent: Bool {
    switch self {
    case .refused(let status): status.prospect == .permanent
    case .authentication: true
    default: errorCode == .fatalLogin
    }
  }
}

extension LoginStatus {
  fileprivate var contractErrno: Errno {
    switch (statusClass, detail) {
    case (2, 0x01), (2, 0x02): .keyRejected
    case (2, 0x03), (2, 0x04): .noSuchFileOrDirectory
    default:
      switch prospect {
      case .permanent: .protocolError
      case .afterWaiting: .resourceBusy
      case .transient: .resourceTemporarilyUnavailable
      }
    }
  }
}
