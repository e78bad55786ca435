import ISCSI
import LinuxIO
import SystemPackage
import Wire

/// Connections: taken over, watched, lost, closed.
///
/// The first one of a session has the session's place.
extension Reactor {
  /// A connection that is there to speak for its session, the first one where there is a choice;
  /// nil when none is.
  func primaryConnection(of session: Int) -> Int? {
    let connected = sessions[session].connections
    if connected & 1 << UInt64(session) != 0 { return session }
    return connected == 0 ? nil : connected.trailingZeroBitCount
  }

  /// The command window of a connection's session.
  @inline(__always)
  func window(of index: Int) -> CommandWindow { sessions[Int(connections[index].session)].window }

  func timeouts(of index: Int) -> SessionTimeouts {
    sessions[Int(connections[index].session)].timeouts
  }

  /// Puts a logged-in connection of a session that is up into a place, and takes what has come.
  mutating func connect(
    _ index: Int, to session: Int, _ handover: consuming ConnectionHandover
  ) {
    connections[index].session = UInt16(session)
    connections[index].connectionID = handover.connectionID
    connections[index].machine = FullFeatureMachine(
      parameters: handover.parameters, expStatSN: handover.expStatSN)
    connections[index].receivedAt = now
    connections[index].unitBeganAt = now
    connections[index].pingedAt = 0
    let early = handover.earlyBytes
    let logins = handover.loginPDUs
    connections[index].connect(handover.socket)
    sessions[session].connections |= 1 << UInt64(index)
    observe(logins, connection: index)
    nextTick = min(nextTick, now &+ Interval.tick)
    do throws(Errno) {
      try watch(connection: index)
    } catch {
      return lose(connection: index, .socket(error))
    }
    connectionsToPump |= 1 << UInt64(index)
    guard !early.isEmpty else { return }
    guard early.count <= connections[index].receive.freeCount else {
      return lose(connection: index, .socket(.messageTooLong))
    }
    unsafe early.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      // SAFETY: the count was compared with the buffer's room.
      unsafe connections[index].receive.free.copyMemory(from: base, byteCount: bytes.count)
    }
    connections[index].receive.received(early.count)
    parse(connection: index)
  }

  /// The connection is gone, and its session with it: below ErrorRecoveryLevel 2 nothing else ends
  /// its tasks at the target (RFC 7143, 7.1.4).
  mutating func lose(connection index: Int, _ failure: SessionFailure) {
    guard connections[index].isConnected else { return }
    lose(session: Int(connections[index].session), failure)
  }

  /// Closes all connections of a session.
  mutating func disconnect(session index: Int) {
    while let connection = primaryConnection(of: index) { disconnect(connection: connection) }
  }

  /// Closes a connection; the tasks in flight on it are nobody's for now.
  private mutating func disconnect(connection index: Int) {
    if usesRing {
      unwatchByRing(connection: index)
    } else {
      poll.remove(connections[index].descriptor)
    }
    let session = Int(connections[index].session)
    sessions[session].connections &= ~(1 << UInt64(index))
    sessions[session].inFlightCount -= connections[index].inFlightCount
    connections[index].disconnect(slots)
  }

  /// Watches the connection's socket for what arrives.
  private mutating func watch(connection index: Int) throws(Errno) {
    if usesRing { return watchByRing(connection: index) }
    try poll.add(
      connections[index].descriptor, .readable, token: Token.firstConnection + UInt64(index))
  }

  /// Queues a Logout Request, after which no request follows on this connection.
  mutating func queueLogout(_ reason: LogoutRequest.Reason, connection index: Int) {
    let request = LogoutRequest(
      reason: reason, initiatorTaskTag: Tag.logout,
      connectionID: connections[index].connectionID, cmdSN: window(of: index).cmdSN,
      expStatSN: connections[index].machine.expStatSN)
    unsafe connections[index].transmit.append(
      request.header, parameters: connections[index].machine.parameters)
    connections[index].state = .loggingOut
    connectionsToPump |= 1 << UInt64(index)
  }
}
