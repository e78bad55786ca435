import ISCSI
import Wire

/// ErrorRecoveryLevel 2: what a session keeps of connections it has lost.
///
/// A task outlives its connection for DefaultTime2Wait and DefaultTime2Retain, one that has ended
/// until its status is acknowledged; a session outlives its last connection for as long.
/// Source: RFC 7143, 6.3.4, 7.2.2, 11.14.5 and 13.16.
extension SimulatedSession {
  var recoversConnections: Bool { parameters.errorRecoveryLevel >= 2 }

  private var retentionMilliseconds: UInt64 {
    UInt64(parameters.defaultTime2Wait + parameters.defaultTime2Retain) * 1000
  }

  /// A connection is gone, and nobody has logged it out.
  func lose(_ connection: TargetConnection, at now: UInt64) {
    strand(connection, at: now)
    lost[connection.connectionID] = now
  }

  /// Takes a connection out that is there or was lost, by its CID; its tasks may be reassigned.
  /// False when there is none.
  func removeForRecovery(_ connectionID: UInt16, at now: UInt64) -> Bool {
    let wasLost = lost.removeValue(forKey: connectionID) != nil
    let connection = connections.first { $0.connectionID == connectionID }
    if let connection {
      strand(connection, at: now)
      connection.leaveForRecovery()
    }
    guard wasLost || connection != nil else { return false }
    for task in kept where task.connectionID == connectionID && task.lostAtMilliseconds != nil {
      task.isFree = true
    }
    return true
  }

  private func strand(_ connection: TargetConnection, at now: UInt64) {
    for task in kept where task.connection === connection { task.lostAtMilliseconds = now }
    // What was not acknowledged is not here (7.2.1): it comes again.
    removeEarly(from: connection)
    connections.removeAll { $0 === connection }
  }

  private var kept: [SimulatedTask] { Array(tasks.values) + Array(answered.values) }

  /// Discards what nobody has come for in time; true when that is the session itself.
  func expire(at now: UInt64) -> Bool {
    let isLate: (UInt64) -> Bool = { $0 + self.retentionMilliseconds <= now }
    tasks = tasks.filter { !($0.value.lostAtMilliseconds.map(isLate) ?? false) }
    answered = answered.filter { !($0.value.lostAtMilliseconds.map(isLate) ?? false) }
    guard connections.isEmpty, let last = lost.values.max(), isLate(last) else { return false }
    end()
    return true
  }

  /// The initiator has the statuses before `expStatSN` of a connection: their tasks are over.
  func acknowledge(_ expStatSN: SerialNumber, on connection: TargetConnection) {
    guard !answered.isEmpty else { return }
    answered = answered.filter { _, task in
      task.connection !== connection || !task.statSN.precedes(expStatSN)
    }
  }
}

extension TargetConnection {
  /// Whether tasks outlive this connection.
  var recoversConnections: Bool { negotiated.errorRecoveryLevel >= 2 }

  /// Whether a task may go on here; if so it does when that has been said (11.6).
  func reassignment(
    _ request: TaskManagementRequest, in session: SimulatedSession
  ) -> (TaskManagementResponse.Response, SimulatedTask?) {
    if let answer = session.target?.takeReassignmentAnswer() { return (answer, nil) }
    guard recoversConnections else { return (.taskAllegianceReassignmentNotSupported, nil) }
    _ = session.expire(at: portal.now)
    let tag = request.referencedTaskTag
    guard let task = session.tasks[tag] ?? session.answered[tag] else {
      return (.taskDoesNotExist, nil)
    }
    guard task.isFree else { return (.taskStillAllegiant, nil) }
    return (.functionComplete, task)
  }

  /// The task goes on here: data that were on their way are asked for again, those that were not
  /// acknowledged and the status are sent again.
  func resume(_ task: SimulatedTask, expDataSN: UInt32, in session: SimulatedSession) {
    task.move(to: self)
    task.acknowledgeData(before: expDataSN)
    task.snackTag = 0
    if let answer = task.answer {
      session.answered[task.initiatorTaskTag] = nil
      return respond(
        to: task, with: answer, descriptorFormat: task.usesDescriptorSense, in: session)
    }
    task.awaitsUnsolicitedData = false
    if task.rangesToAskFor != nil {
      let open = task.solicitations.values.map { $0.nextOffset..<$0.range.upperBound }
        .sorted { $0.lowerBound < $1.lowerBound }
      task.rangesToAskFor?.insert(contentsOf: open, at: 0)
    }
    task.solicitations = [:]
    advance(task, in: session)
  }
}
