import ISCSI
import SCSI
import Wire

/// The tasks of a lost connection, once it is logged out: TASK REASSIGN for what the target has,
/// the command again for what it never got.
///
/// Until the target has said that a task has another connection, no PDU is taken for it. From then
/// on it goes on there: data already here stay, R2Ts come anew, and so does the status.
/// Source: RFC 7143, 7.2.1, 7.2.2, 11.5 and 11.6.
extension Reactor {
  /// Tasks of one connection the target is asked for at once.
  private static let reassignmentsAtOnce = 16

  /// The tasks in flight on a connection that is being lost wait for another; those that were to go
  /// on over it, and perhaps do at the target, as well.
  mutating func strand(connection index: Int) {
    let parameters = connections[index].machine.parameters
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].stage == .inFlight
      && slots[slot].connection == UInt16(index)
    {
      slots[slot].stage = .stranded
      slots[slot].isReassigning = false
      slots[slot].transfer.reassign(parameters: parameters, record: slots.records[slot])
      slots.recoveries[slot].reassign(
        slots[slot].transfer.direction, segmentLength: parameters.maxRecvDataSegmentLength)
      nextTick = now
    }
    guard managementCount > 0 else { return }
    for place in 0..<managements.count
    where managements[place].isBusy && managements[place].connection == UInt16(index)
      && managements[place].function == .taskReassign
    {
      guard let slot = strandedSlot(managements[place].task) else { continue }
      slots[slot].connection = UInt16(index)
      slots[slot].isReassigning = false
    }
  }

  /// A connection leaves on which reassignments were asked for: others are asked.
  mutating func withdrawReassignments(connection index: Int) {
    for place in 0..<managements.count
    where managements[place].isBusy && managements[place].connection == UInt16(index)
      && managements[place].function == .taskReassign
    {
      guard let slot = strandedSlot(managements[place].task) else { continue }
      slots[slot].isReassigning = false
      nextTick = now
    }
  }

  /// The slot whose task with this tag waits for another connection.
  private func strandedSlot(_ tag: InitiatorTaskTag) -> Int? {
    let slot = Int(tag.rawValue & 0xFFFF)
    guard slot < slots.count, slots[slot].kind != .free, slots[slot].stage == .stranded,
      slots[slot].tag(index: slot) == tag
    else { return nil }
    return slot
  }

  /// Has the tasks of a connection that is logged out go on, in the order of their CmdSN, as many
  /// as may be asked for at once; ends its recovery when none is left.
  mutating func reassignTasks(of place: Int) {
    let session = Int(connections[place].session)
    while let slot = firstStranded(on: place) {
      guard let carrier = carrier(of: session) else { return }
      let way = connections[place].recovery.way(
        of: slots[slot].cmdSN, expCmdSN: sessions[session].window.expCmdSN)
      switch way {
      case .retry: retry(slot, on: carrier)
      case .reassign:
        guard askForReassignment(of: slot, on: carrier, from: place) else { return }
      case .sendAnew: requeue(slot)
      }
    }
    guard !isStranded(on: place) else { return }
    endRecovery(of: place)
    connectionsToPump |= sessions[session].connections
  }

  private func isStranded(on place: Int) -> Bool {
    (0..<slots.count).contains {
      slots[$0].kind != .free && slots[$0].stage == .stranded
        && slots[$0].connection == UInt16(place)
    }
  }

  /// Of the tasks that wait and were not asked for the one with the first CmdSN.
  private func firstStranded(on place: Int) -> Int? {
    var first: Int?
    for slot in 0..<slots.count
    where slots[slot].kind != .free && slots[slot].stage == .stranded
      && slots[slot].connection == UInt16(place) && !slots[slot].isReassigning
    {
      if let other = first, !slots[slot].cmdSN.precedes(slots[other].cmdSN) { continue }
      first = slot
    }
    return first
  }

  /// Sends a command again that the target never had: tag, number and all.
  private mutating func retry(_ slot: Int, on carrier: Int) {
    adopt(slot, by: carrier)
    slots.recoveries[slot] = TaskRecovery()
    resend(slot, connection: carrier)
  }

  /// Asks the target to let a task go on over a connection; false where no more may be asked for
  /// now.
  ///
  /// LUN and RefCmdSN are reserved by the letter, and looked at by targets.
  private mutating func askForReassignment(
    of slot: Int, on carrier: Int, from place: Int
  ) -> Bool {
    var asked = 0
    for other in 0..<slots.count
    where slots[other].stage == .stranded && slots[other].isReassigning
      && slots[other].connection == UInt16(place)
    {
      asked += 1
    }
    guard asked < Self.reassignmentsAtOnce else { return false }
    let parameters = connections[carrier].machine.parameters
    if !slots.recoveries[slot].prepareReassignment(
      segmentLength: parameters.maxRecvDataSegmentLength)
    {
      slots[slot].transfer.expectAgain(
        from: slots.recoveries[slot].acknowledgedLength, parameters: parameters)
    }
    guard
      send(
        .taskReassign, lun: slots[slot].lun, task: slots[slot].tag(index: slot),
        refCmdSN: slots[slot].cmdSN, expDataSN: slots.recoveries[slot].expDataSN,
        timeoutMilliseconds: Interval.recovery / Interval.millisecond, connection: carrier) != nil
    else { return false }
    slots.recoveries[slot].sentReassignment(receivedLength: slots[slot].transfer.receivedLength)
    slots[slot].isReassigning = true
    return true
  }

  /// The task is the connection's from now on.
  private mutating func adopt(_ slot: Int, by connection: Int) {
    slots[slot].stage = .inFlight
    slots[slot].isReassigning = false
    slots[slot].connection = UInt16(connection)
    slots[slot].sentAt = now
    slots[slot].isSuspect = false
    connections[connection].inFlightCount += 1
    sessions[Int(slots[slot].session)].inFlightCount += 1
  }

  /// The slot of a task that the target was asked to let this connection have, and has, whatever
  /// has become of its answer: what follows that must not be acknowledged unseen.
  mutating func adoptAhead(_ tag: InitiatorTaskTag, connection index: Int) -> Int? {
    guard managementCount > 0, let slot = strandedSlot(tag), slots[slot].isReassigning,
      (0..<managements.count).contains(where: {
        managements[$0].isBusy && managements[$0].connection == UInt16(index)
          && managements[$0].function == .taskReassign && managements[$0].task == tag
      })
    else { return nil }
    let place = Int(slots[slot].connection)
    adopt(slot, by: index)
    connections[index].hasRepeated = true
    if connections[place].recovery.step == .reassigning {
      connections[place].recoveryDue = now &+ Interval.recovery
      proceedRecovery(of: place)
    }
    return slot
  }

  /// The target has answered a TASK REASSIGN, nil where it rejected it or said what it may not.
  mutating func conclude(
    reassignment management: Int, _ response: TaskManagementResponse.Response?
  ) {
    let (tag, carrier) = (managements[management].task, Int(managements[management].connection))
    let session = Int(managements[management].session)
    end(management: management, .complete)
    guard let slot = strandedSlot(tag), slots[slot].isReassigning else {
      // Data came before the answer, which now says that there are none.
      if response != .functionComplete, slotInFlight(tag, connection: carrier) != nil {
        lose(session: session, .notReassigned)
      }
      return
    }
    let place = Int(slots[slot].connection)
    slots[slot].isReassigning = false
    let before = connections[place].recovery.step
    if before == .reassigning { connections[place].recoveryDue = now &+ Interval.recovery }
    switch connections[place].recovery.take(response) {
    case .goesOn:
      adopt(slot, by: carrier)
      // What the old connection had may come again.
      connections[carrier].hasRepeated = true
    case .sendAnew: requeue(slot)
    case .logOutAgain: if before == .reassigning { connections[place].recoveryDue = now }
    case .giveUp: return lose(session: session, .notReassigned)
    }
    proceedRecovery(of: place)
  }
}
