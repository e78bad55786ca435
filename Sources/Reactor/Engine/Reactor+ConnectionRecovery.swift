import ISCSI
import Wire

/// A connection that is lost at ErrorRecoveryLevel 2: its session goes on, and with it its tasks.
///
/// It is logged out for recovery over another connection of the session; where there is none, by
/// the login of one with its CID, which the control plane brings (`rejoin`). Then its tasks go on
/// (`Reactor+Reassignment`). `ConnectionRecovery` says what comes next. What does not go as it
/// should, or not in its time, is a lost session.
/// Source: RFC 7143, 6.3.4, 7.2.2, 11.14 and 11.15.
extension Reactor {
  /// A target that has its tasks wait longer, in seconds, is not waited for: the session reopens.
  private static let longestWait: UInt16 = 30

  /// Whether a connection that is being lost may leave its session to go on.
  func mayRecover(connection index: Int, after failure: SessionFailure) -> Bool {
    let session = Int(connections[index].session)
    guard connections[index].machine.parameters.errorRecoveryLevel >= 2, failure.isOfConnection,
      connections[index].state == .up, connections[index].recovery.step == .idle,
      sessions[session].isServing,
      timeToWait(connection: index, after: failure) <= Self.longestWait
    else { return false }
    if hasAnother(than: index) { return true }
    // The one that replaces it has its place; and somebody must want to wait.
    return index == session && sessions[session].recovering == 0
      && sessions[session].connections == 1 << UInt64(index)
      && sessions[session].timeouts.replacementMilliseconds != 0
  }

  /// The seconds before a logout: what the target asks for, or what was agreed on (13.15).
  private func timeToWait(connection index: Int, after failure: SessionFailure) -> UInt16 {
    if case .requestedByTarget(let seconds) = failure { return seconds }
    return UInt16(clamping: connections[index].machine.parameters.defaultTime2Wait)
  }

  /// The connection is gone; its tasks stay at the target, for another one.
  mutating func recover(connection index: Int, _ failure: SessionFailure) {
    let session = Int(connections[index].session)
    let hasAnother = hasAnother(than: index)
    let wait = UInt64(timeToWait(connection: index, after: failure))
    connections[index].statistics.note(failure)
    let silence = hasAnother ? 0 : noteLoss(session: session)
    strand(connection: index)
    endManagements(connection: index)
    disconnect(connection: index)
    withdrawLogouts(connection: index)
    connections[index].recovery.begin(hasAnother: hasAnother)
    connections[index].waitToReturn = 0
    connections[index].recoveryDue = now &+ wait &* Interval.second
    sessions[session].recovering |= 1 << UInt64(index)
    nextTick = min(nextTick, now)
    guard !hasAnother else {
      port.tell(
        .connectionLost(
          handle(of: session), connectionID: connections[index].connectionID, failure))
      return proceedRecoveries(session: session)
    }
    sessions[session].state = .lost
    noteServing(session: session)
    while let slot = sessions[session].pendingControls.popFirst() {
      finishControl(Int(slot), .sessionLost)
    }
    moveAround(session: session)
    port.tell(
      .lastConnectionLost(handle(of: session), failure, silentMilliseconds: silence))
  }

  /// The connection is gone that Logout Requests for others went out on: another carries them.
  mutating func withdrawLogouts(connection index: Int) {
    let session = Int(connections[index].session)
    for other in 0..<connections.count
    where sessions[session].recovering & 1 << UInt64(other) != 0
      && connections[other].recovery.step == .loggingOut
      && connections[other].recoveryCarrier == UInt16(index)
    {
      connections[other].recovery.lostLogout()
      connections[other].recoveryDue = now
      nextTick = now
    }
  }

  /// All connections of a session are gone, by what was heard on one.
  mutating func loseAll(with index: Int, _ failure: SessionFailure) {
    let session = Int(connections[index].session)
    guard sessions[session].state != .loggingOut else { return lose(connection: index, failure) }
    lose(session: session, failure)
  }

  /// Takes the connection that replaces a lost session's only one, whose CID it has: that one is
  /// logged out by its login (6.3.4).
  mutating func rejoin(_ handle: SessionHandle, _ handover: consuming ConnectionHandover) {
    guard let session = find(handle) else { return }
    guard sessions[session].state == .lost,
      connections[session].recovery.step == .awaitingLogin,
      handover.connectionID == connections[session].connectionID
    else {
      if sessions[session].state == .lost { port.tell(.sessionLost(handle, .notReassigned)) }
      return
    }
    sessions[session].timeouts = handover.timeouts
    sessions[session].window.update(expCmdSN: handover.expCmdSN, maxCmdSN: handover.maxCmdSN)
    sessions[session].state = .up
    sessions[session].isHeld = handover.isHeld
    if !handover.isHeld { noteReturn(session: session) }
    noteServing(session: session)
    connections[session].recovery.loggedIn()
    connections[session].recoveryDue = now &+ Interval.recovery
    connect(session, to: session, handover)
    proceedRecoveries(session: session)
  }

  /// What is due of a session's recoveries.
  mutating func proceedRecoveries(session: Int) {
    var rest = sessions[session].recovering
    while rest != 0 {
      let place = rest.trailingZeroBitCount
      rest &= rest - 1
      proceedRecovery(of: place)
      // One that was given up takes the session, and the others, with it.
      rest &= sessions[session].recovering
    }
  }

  /// Goes on with the recovery of the connection that was at a place, as far as its time has come.
  mutating func proceedRecovery(of place: Int) {
    let isDue = now >= connections[place].recoveryDue
    let session = Int(connections[place].session)
    // One that logs out ends its tasks by that.
    guard sessions[session].isUp else { return }
    switch connections[place].recovery.step {
    case .idle, .awaitingLogin: return
    case .waitingToLogOut where isDue: logOut(place)
    case .waitingToReassign where isDue:
      connections[place].recovery.waited()
      connections[place].recoveryDue = now &+ Interval.recovery
      reassignTasks(of: place)
    case .loggingOut where isDue, .reassigning where isDue:
      return lose(session: session, .recoveryTimedOut)
    case .reassigning: reassignTasks(of: place)
    case .waitingToLogOut, .waitingToReassign, .loggingOut: break
    }
    guard sessions[session].recovering & 1 << UInt64(place) != 0 else { return }
    nextTick = min(nextTick, connections[place].recoveryDue)
  }

  /// Sends the Logout Request that lets the tasks of a lost connection go on over others.
  private mutating func logOut(_ place: Int) {
    let session = Int(connections[place].session)
    guard let carrier = primaryConnection(of: session), connections[carrier].isLasting,
      connections[carrier].transmit.freeCount > 0
    else { return lose(session: session, .recoveryTimedOut) }
    let request = LogoutRequest(
      reason: .removeConnectionForRecovery, initiatorTaskTag: Tag.recovery(place),
      connectionID: connections[place].connectionID, cmdSN: sessions[session].window.cmdSN,
      expStatSN: connections[carrier].machine.expStatSN)
    unsafe connections[carrier].transmit.append(
      request.header, parameters: connections[carrier].machine.parameters)
    connectionsToPump |= 1 << UInt64(carrier)
    connections[place].recovery.sentLogout()
    connections[place].recoveryCarrier = UInt16(carrier)
    connections[place].recoveryDue = now &+ Interval.recovery
  }

  /// The place of the lost connection whose Logout Request for recovery has this tag and went out
  /// on a connection.
  func recovery(_ tag: InitiatorTaskTag, over carrier: Int) -> Int? {
    let place = Int(tag.rawValue >> 16)
    guard place < connections.count, tag == Tag.recovery(place),
      connections[place].session == connections[carrier].session,
      connections[place].recovery.step == .loggingOut,
      connections[place].recoveryCarrier == UInt16(carrier)
    else { return nil }
    return place
  }

  /// The target has answered the Logout Request for a lost connection.
  mutating func receiveRecovery(_ response: LogoutResponse, of place: Int) {
    let session = Int(connections[place].session)
    guard case .loggedOut(let seconds) = connections[place].recovery.take(response),
      seconds <= Self.longestWait
    else { return lose(session: session, .notReassigned) }
    connections[place].recoveryDue = now &+ UInt64(seconds) &* Interval.second
    proceedRecovery(of: place)
  }

  /// No task of a lost connection is left: what had its place may come back.
  mutating func endRecovery(of place: Int) {
    let session = Int(connections[place].session)
    connections[place].recovery.end()
    sessions[session].recovering &= ~(1 << UInt64(place))
    guard !connections[place].isConnected else { return }
    port.tell(
      .connectionClosed(
        handle(of: session), connectionID: connections[place].connectionID,
        time2WaitSeconds: connections[place].waitToReturn))
  }

  /// The tasks that stayed at the target of a lost session are given up: they wait for its return
  /// as others do, and what a volatile cache held may be lost.
  mutating func abandonRecovery(session index: Int) {
    doubtUnflushed(session: index)
    park(session: index)
  }

  /// Nothing is recovered any more: the session is lost, or over.
  mutating func endRecoveries(session index: Int) {
    var rest = sessions[index].recovering
    sessions[index].recovering = 0
    while rest != 0 {
      connections[rest.trailingZeroBitCount].recovery.end()
      rest &= rest - 1
    }
  }
}
