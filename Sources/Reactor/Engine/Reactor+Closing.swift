import ISCSI
import SystemPackage
import Wire

/// The end of one connection whose session goes on: a Logout with reason "close the connection".
///
/// It gets no further command, and what it has is awaited for a while: a task that is over cannot
/// be repeated. What is left when the target has closed it is sent again on another; until then
/// nothing is, and a connection that ends in any other way takes its session with it. A command
/// whose turn had not come is discarded with its connection, and leaves a hole in the order of all:
/// it is sent again as it was.
/// Source: RFC 7143, 7.1.4, 7.2.1, 11.9.1 and 11.14.
extension Reactor {
  /// How long the tasks of a connection are awaited that somebody wants closed.
  private static let closingMilliseconds: UInt64 = 5_000

  /// Logs a connection out for somebody who waits.
  mutating func closeConnection(
    _ connectionID: UInt16, of handle: SessionHandle,
    _ continuation: CheckedContinuation<ConnectionClosing, Never>
  ) {
    guard let session = find(handle), sessions[session].isUp,
      let index = connection(connectionID, of: session)
    else { return continuation.resume(returning: .notConnected) }
    guard hasAnother(than: index) else { return continuation.resume(returning: .isLast) }
    beginClosing(connection: index, milliseconds: Self.closingMilliseconds, continuation)
  }

  /// The target wants a connection to end within so many seconds: it is logged out, and its session
  /// with it where that has no other.
  mutating func requestLogout(connection index: Int, withinSeconds seconds: UInt16) {
    guard hasAnother(than: index) else {
      return requestLogout(session: Int(connections[index].session))
    }
    // Half of its time for the tasks, the other half for the Logout on its way.
    beginClosing(connection: index, milliseconds: UInt64(seconds) * 500)
  }

  private mutating func beginClosing(
    connection index: Int, milliseconds: UInt64,
    _ closer: CheckedContinuation<ConnectionClosing, Never>? = nil
  ) {
    guard connections[index].state == .up else {
      closer?.resume(returning: .notConnected)
      return
    }
    connections[index].beginClosing(by: now &+ milliseconds &* Interval.millisecond, closer)
    nextTick = min(nextTick, connections[index].closeBy)
    connectionsToPump |= 1 << UInt64(index)
  }

  /// Sends the Logout Request of a connection on its way out when its tasks have ended, or have had
  /// their time.
  mutating func proceedClosing(connection index: Int) {
    guard connections[index].state == .up, connections[index].transmit.freeCount > 0,
      connections[index].inFlightCount == 0 || now >= connections[index].closeBy,
      // What its predecessor at this place has left goes on first.
      connections[index].recovery.step == .idle
    else { return }
    let session = Int(connections[index].session)
    guard sessions[session].isUp else { return }
    queueLogout(.closeConnection, connection: index)
    connections[index].closeBy =
      now &+ sessions[session].timeouts.logoutMilliseconds &* Interval.millisecond
    nextTick = min(nextTick, connections[index].closeBy)
  }

  /// The times of a connection on its way out.
  mutating func tickClosing(connection index: Int) {
    guard connections[index].isClosing else { return }
    if connections[index].state == .up {
      connectionsToPump |= 1 << UInt64(index)
    } else if now >= connections[index].closeBy {
      return lose(connection: index, .requestedByTarget(time2WaitSeconds: 0))
    }
    nextTick = min(nextTick, max(connections[index].closeBy, now &+ Interval.tick))
  }

  /// The target has answered the Logout of one connection.
  mutating func receiveClosing(_ response: LogoutResponse, connection index: Int) {
    guard response.response == .closed else {
      return lose(connection: index, .requestedByTarget(time2WaitSeconds: response.time2Wait))
    }
    let session = Int(connections[index].session)
    withdrawReassignments(connection: index)
    endManagements(connection: index)
    connections[index].endClosing(.closed)
    disconnect(connection: index, isLoggedOut: true)
    withdrawLogouts(connection: index)
    requeue(connection: index)
    strand(connection: index)
    connections[index].recovery.closed()
    connections[index].recoveryDue = now &+ Interval.recovery
    connections[index].waitToReturn = response.time2Wait
    sessions[session].recovering |= 1 << UInt64(index)
    proceedRecovery(of: index)
    connectionsToPump |= sessions[session].connections
  }

  /// Has what was not answered on a connection that the target has closed sent anew on another,
  /// before what waits, in the order of its CmdSN: the target has ended it (11.14).
  private mutating func requeue(connection index: Int) {
    let session = Int(connections[index].session)
    let end = sessions[session].window.expCmdSN
    while let slot = latestInFlight(session: session, connection: index, before: end) {
      requeue(slot)
    }
  }

  /// Has a task that the target has ended sent anew, before what waits.
  mutating func requeue(_ slot: Int) {
    slots[slot].putBack()
    if slots[slot].kind == .control {
      finish(slot, error: .noLink)
    } else if slots[slot].isAnswered {
      end(slot)
    } else {
      sessions[Int(slots[slot].session)].pending.prepend(UInt16(slot))
    }
  }
}
