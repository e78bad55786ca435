import SystemPackage

/// A request of the control plane on its way through the door.
enum ReactorCommand: Sendable {
  case start(SessionHandle, HandoverBox)
  /// One more connection of a session, in the place of another.
  case join(SessionHandle, SessionHandle, HandoverBox)
  /// A connection in the place of a lost session's last one, with its CID.
  case rejoin(SessionHandle, HandoverBox)
  /// Logs out the connection with this CID alone.
  case closeConnection(
    SessionHandle, UInt16, CheckedContinuation<ConnectionClosing, Never>)
  case resume(SessionHandle)
  case execute(ControlTask, ControlContinuation)
  case manage(TaskManagement, CheckedContinuation<TaskManagementOutcome, Never>)
  case expose(LogicalUnitHandle, LogicalUnitRegistration)
  case withdraw(LogicalUnitHandle, Errno, Withdrawal)
  case logout(SessionHandle, CheckedContinuation<SessionEnd, Never>)
  case drop(SessionHandle)
  case close(SessionHandle, Errno, CheckedContinuation<Void, Never>)
  case ping(SessionHandle, CheckedContinuation<PingOutcome, Never>)
  /// The session's waits from now on.
  case setTimeouts(SessionHandle, SessionTimeouts)
  /// How many commands a unit may have in flight now.
  case queueDepth(LogicalUnitHandle, CheckedContinuation<UInt16?, Never>)
  case statistics(SessionHandle, CheckedContinuation<SessionStatistics?, Never>)
  /// Shows the session's PDUs to a stream; nil, or why not.
  case capture(SessionHandle, ByteStream, CheckedContinuation<Errno?, Never>)
  case tasks(SessionHandle, CheckedContinuation<[OutstandingTask]?, Never>)
  /// The caller of a request wants it over; sent from one reactor to the others.
  /// Another reactor's session has had tasks ended that may be of this one.
  case suspect(Suspicion)
  case interrupt(UInt64)
  /// The kernel has been told of the ring: hand it the entries.
  case registerRing
  case stop
}

extension ReactorCommand {
  /// Answers who waits when the reactor has ended: nothing is connected, nothing in flight.
  func refuse() {
    switch self {
    case .start(_, let box), .join(_, _, let box), .rejoin(_, let box): _ = box.take()
    case .closeConnection(_, _, let continuation): continuation.resume(returning: .notConnected)
    case .execute(_, let continuation): continuation.resume(returning: .failure(.notConnected))
    case .manage(_, let continuation): continuation.resume(returning: .notConnected)
    case .withdraw(_, _, let withdrawal): withdrawal.finish()
    case .logout(_, let continuation): continuation.resume(returning: .unproven)
    case .close(_, _, let continuation): continuation.resume()
    case .ping(_, let continuation): continuation.resume(returning: .notConnected)
    case .statistics(_, let continuation): continuation.resume(returning: nil)
    case .queueDepth(_, let continuation): continuation.resume(returning: nil)
    case .capture(_, _, let continuation): continuation.resume(returning: .socketNotConnected)
    case .tasks(_, let continuation): continuation.resume(returning: nil)
    case .resume, .expose, .drop, .setTimeouts, .suspect, .interrupt, .registerRing, .stop: break
    }
  }
}
