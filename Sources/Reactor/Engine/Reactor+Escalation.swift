import ISCSI
import SCSI
import Wire

/// The ladder: what is done about commands a target does not answer while it answers pings.
///
/// A session climbs for one command at a time. Each rung has its own time; above the last the
/// session is lost and opened anew, which ends its tasks at the target for certain.
extension Reactor {
  /// Begins the ladder for a command in flight that has taken too long.
  mutating func escalate(_ slot: Int) {
    let session = Int(slots[slot].session)
    guard sessions[session].isUp, sessions[session].escalation == nil,
      connections[Int(slots[slot].connection)].state == .up
    else { return }
    let index = send(
      .abortTask, lun: slots[slot].lun, task: slots[slot].tag(index: slot),
      refCmdSN: slots[slot].cmdSN,
      timeoutMilliseconds: sessions[session].timeouts.abortMilliseconds,
      connection: Int(slots[slot].connection))
    // Not even a request of 48 bytes can be sent: nothing less than a new session helps.
    guard let index else { return lose(session: session, .commandTimedOut) }
    managements[index].beginning = managements[index].task
    stand(on: index)
  }

  /// Goes to the rung above a function that did not help; the time that one has, nil where there is
  /// nothing to climb for any more, or the session is lost instead.
  @discardableResult
  mutating func climb(
    from task: ManagementTask, after why: Escalation.Disappointment
  ) -> UInt64? {
    let session = Int(task.session)
    sessions[session].escalation = nil
    // Nothing follows a Logout Request; nor is anybody's task ended for one that has been answered.
    guard sessions[session].isUp,
      let slot = slotInFlight(task.beginning, session: session)
    else { return nil }
    let connection = Int(slots[slot].connection)
    let timeouts = sessions[session].timeouts
    let next = Escalation.rung(above: task.function, after: why).flatMap { function in
      send(
        function, lun: function == .logicalUnitReset ? task.lun : LogicalUnitNumber(rawValue: 0),
        task: .reserved, refCmdSN: SerialNumber(rawValue: 0),
        timeoutMilliseconds: function == .logicalUnitReset
          ? timeouts.logicalUnitResetMilliseconds : timeouts.targetResetMilliseconds,
        connection: connection)
    }
    guard let next else {
      lose(session: session, .commandTimedOut)
      return nil
    }
    managements[next].beginning = task.beginning
    stand(on: next)
    return managements[next].deadline
  }

  private mutating func stand(on index: Int) {
    let session = Int(managements[index].session)
    managements[index].isEscalation = true
    sessions[session].escalation = index
    port.tell(
      .escalated(handle(of: session), managements[index].function, managements[index].lun))
  }

  /// A reset through one session ends the tasks of every other, and not every target tells: what is
  /// in flight there, in the other reactors too, is asked after at once, not after the time of a
  /// command.
  mutating func suspect(_ suspicion: Suspicion) {
    for other in 0..<lanes.count where other != lane {
      port.lane(other).submit(.suspect(suspicion))
    }
    take(suspicion)
  }

  /// Has the tasks a reset may have ended asked after.
  mutating func take(_ suspicion: Suspicion) {
    let ended = find(suspicion.session)
    for slot in 0..<slots.requestCount
    where slots[slot].kind != .free && slots[slot].stage == .inFlight
      && ended != Int(slots[slot].session)
      && units[Int(slots[slot].unit)].isReached(by: suspicion.session)
      && (suspicion.function != .logicalUnitReset || slots[slot].lun == suspicion.lun)
    {
      slots[slot].isSuspect = true
      nextTick = now
    }
  }
}
