import ISCSI
import LinuxIO
import SystemPackage

/// Why a portal could not be talked to.
enum PortalFailure: Error, Equatable {
  case resolver(ResolverError)
  case socket(Errno)
  /// The peer closed the connection before it had said all.
  case closed
  /// The first byte of a PDU that no iSCSI target sends.
  case notISCSI(UInt8)
  case malformed(PDUError)
  /// A redirection to a place where the target that said so must not send us.
  case notFollowed

  /// The error for the writer of a command; `place` names the portal and the target.
  func controlError(at place: String, portal: Portal) -> ControlError {
    switch self {
    case .resolver(.notFound):
      ControlError(
        .noRouteToHost, .hostNotFound, "\(place): host \(portal.host.excerpt) is not known")
    case .resolver(.timedOut):
      ControlError(
        .timedOut, .transportTimeout, "\(place): looking up \(portal.host.excerpt) took too long")
    case .resolver(.cancelled), .socket(.canceled):
      ControlError(.canceled, .transport, "\(place): cancelled")
    case .resolver(.temporaryFailure), .resolver(.busy):
      ControlError(
        .resourceTemporarilyUnavailable, .hostNotFound,
        "\(place): \(portal.host.excerpt) cannot be looked up now")
    case .socket(.timedOut):
      ControlError(.timedOut, .transportTimeout, "\(place): no answer in time")
    case .socket(let error):
      ControlError(error, .transport, "\(place): \(error.description.lowercased())")
    case .closed:
      ControlError(.connectionReset, .transport, "\(place): the peer closed the connection")
    case .notISCSI(let byte):
      ControlError(
        .protocolError, .login,
        "\(place): the peer does not speak iSCSI (a PDU begins with 0x\(String(byte, radix: 16)))")
    case .notFollowed:
      ControlError(
        .protocolError, .login, "\(place): a target must not redirect to \(portal.host.excerpt)")
    case .malformed(let error):
      ControlError(.protocolError, .login, "\(place): \(error.sentence)")
    }
  }
}
