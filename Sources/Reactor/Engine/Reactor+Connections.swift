import ISCSI
import LinuxIO
import SystemPackage
import Wire

/// Connections: taken over, watched, lost, closed.
///
/// The first one of a session has the session's place.
extension Reactor {
  /// A connection that speaks for its session: the first one, or any where that is on its way out;
  /// nil when none is there.
  func primaryConnection(of session: Int) -> Int? {
    if connections[session].session == UInt16(session), connections[session].isLasting {
      return session
    }
    var rest = sessions[session].connections
    var found: Int?
    while rest != 0 {
      let next = rest.trailingZeroBitCount
      rest &= rest - 1
      if connections[next].isLasting { return next }
      found = found ?? next
    }
    return found
  }

  /// Whether a session has another connection that goes on, beside this one.
  func hasAnother(than index: Int) -> Bool {
    var rest = sessions[Int(connections[index].session)].connections & ~(1 << UInt64(index))
    while rest != 0 {
      if connections[rest.trailingZeroBitCount].isLasting { return true }
      rest &= rest - 1
    }
    return false
  }

  /// The place of a session's connection with this CID.
  func connection(_ connectionID: UInt16, of session: Int) -> Int? {
    var rest = sessions[session].connections
    while rest != 0 {
      let next = rest.trailingZeroBitCount
      if connections[next].connectionID == connectionID { return next }
      rest &= rest - 1
    }
    return nil
  }

  /// Gives a session that is up one more connection; one that is not lets go of it.
  mutating func join(
    _ handle: SessionHandle, at place: SessionHandle, _ handover: consuming ConnectionHandover
  ) {
    let index = lanes.place(of: Int(place.index))
    precondition(
      lanes.lane(of: Int(place.index)) == lane && index < connections.count,
      "a session's connections are all on its own reactor")
    guard let session = find(handle), sessions[session].isUp, !connections[index].isConnected,
      index == session || sessions[index].state == .free
    else { return }
    sessions[session].window.update(expCmdSN: handover.expCmdSN, maxCmdSN: handover.maxCmdSN)
    if index != session {
      connections[index].statistics = SessionStatistics()
      connections[index].observer = PDUObserver()
    }
    connect(index, to: session, handover)
    connectionsToPump |= sessions[session].connections
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
    precondition(!connections[index].isConnected, "the control plane gives out a place once")
    connections[index].session = UInt16(session)
    connections[index].connectionID = handover.connectionID
    connections[index].machine = FullFeatureMachine(
      parameters: handover.parameters, expStatSN: handover.expStatSN)
    connections[index].receivedAt = now
    connections[index].transmittedAt = now
    connections[index].unitBeganAt = now
    connections[index].pingedAt = 0
    let early = handover.earlyBytes
    let logins = handover.loginPDUs
    connections[index].connect(handover.socket)
    sessions[session].connections |= 1 << UInt64(index)
    if index != session { share(connections[session].observer.tap, with: index) }
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

  /// The connection is gone, and below ErrorRecoveryLevel 2 its session with it: nothing else ends
  /// its tasks at the target (RFC 7143, 7.1.4).
  mutating func lose(connection index: Int, _ failure: SessionFailure) {
    guard connections[index].isConnected else { return }
    let session = Int(connections[index].session)
    let others = sessions[session].connections & ~(1 << UInt64(index))
    if sessions[session].state == .loggingOut, connections[index].state == .up, others != 0 {
      // The target closes them all, and says so on another.
      strand(connection: index)
      return disconnect(connection: index)
    }
    guard mayRecover(connection: index, after: failure) else {
      return lose(session: session, failure)
    }
    recover(connection: index, failure)
  }

  /// Closes all connections of a session.
  ///
  /// - Parameter isLoggedOut: in order, after a Logout that was answered; else by a reset.
  mutating func disconnect(session index: Int, isLoggedOut: Bool = false) {
    while sessions[index].connections != 0 {
      disconnect(
        connection: sessions[index].connections.trailingZeroBitCount, isLoggedOut: isLoggedOut)
    }
  }

  /// Closes a connection; the tasks in flight on it are nobody's for now.
  mutating func disconnect(connection index: Int, isLoggedOut: Bool = false) {
    if usesRing {
      unwatchByRing(connection: index)
    } else {
      poll.remove(connections[index].descriptor)
    }
    let session = Int(connections[index].session)
    sessions[session].connections &= ~(1 << UInt64(index))
    sessions[session].inFlightCount -= connections[index].inFlightCount
    connections[index].disconnect(slots, isLoggedOut: isLoggedOut)
    guard index != session else { return }
    // What it has counted stays its session's.
    connections[session].statistics.add(connections[index].statistics)
    connections[session].observer.counts.add(connections[index].observer.counts)
    connections[index].observer = PDUObserver()
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
    connections[index].logoutReason = reason
    connectionsToPump |= 1 << UInt64(index)
  }
}
