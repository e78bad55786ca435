import ISCSI

/// What a target may say instead of doing what it was asked, and what it says unasked.
extension SimulatedTarget {
  /// Ends a command before it has begun, perhaps; true when it did, or the session ended.
  func failEarly(_ task: TargetTask, of nexus: Nexus, _ header: [UInt8]) -> Bool {
    guard let connection = task.connection else { return true }
    speakUnasked(nexus, on: connection)
    guard nexus.isAlive, !task.isEnded else { return true }
    let session = nexus.session
    if world.wants(15) {
      world.inject(.busy, session)
      nexus.respond(task, status: 0x08)
    } else if world.wants(10) {
      world.inject(.taskSetFull, session)
      nexus.respond(task, status: 0x28)
    } else if world.wants(15) {
      world.inject(.unitAttention, session)
      let codes: [(UInt8, UInt8)] = [(0x28, 0), (0x2A, 1), (0x2A, 9), (0x3F, 0x0E), (0x29, 3)]
      for _ in 0..<world.random.within(0...3) {
        nexus.attentions[task.unit].append(world.random.pick(codes))
      }
      let (code, qualifier) = world.random.pick(codes)
      note(code)
      nexus.respond(task, status: 0x02, sense: Nexus.sense(0x06, code, qualifier))
    } else if world.wants(40), mayFail(task) {
      failForAWhile(task, of: nexus, header)
    } else if world.wants(2) {
      world.inject(.silence, session)
      nexus.finish(task)
    } else if world.wants(1) {
      world.inject(.rejected, session)
      nexus.finish(task)
      connection.reject(header, reason: 0x04)
    } else {
      return false
    }
    return true
  }

  /// What a client tries again a few times.
  private func failForAWhile(_ task: TargetTask, of nexus: Nexus, _ header: [UInt8]) {
    let session = nexus.session
    switch world.random.below(world.scenario.sessionCount == 1 ? 7 : 6) {
    case 0, 1:
      world.inject(.abortedCommand, session)
      nexus.respond(task, status: 0x02, sense: Nexus.sense(0x0B, 0x47, 0x03))
    case 2:
      world.inject(.taskAborted, session)
      nexus.respond(task, status: 0x40)
    case 3:
      world.inject(.targetFailure, session)
      nexus.respond(task, status: 0, response: world.random.chance(500) ? 0x01 : 0x81)
    case 4:
      world.inject(.senseMissing, session)
      nexus.respond(task, status: 0x02)
    case 5:
      world.inject(.rejected, session)
      nexus.finish(task)
      // Long operation reject: the same as BUSY.
      task.connection?.reject(header, reason: 0x0A)
    default:
      // What an earlier write brought did not get to the medium, and this is how it is told.
      world.inject(.deferredError, session)
      noteDeferred()
      media[task.unit].loseCache(all: false, isDeferred: true)
      nexus.respond(
        task, status: 0x02, sense: Nexus.sense(0x03, 0x0C, 0x00, isDeferred: true))
    }
  }

  private func speakUnasked(_ nexus: Nexus, on connection: NexusConnection) {
    let session = nexus.session
    if world.wants(4) {
      world.inject(.targetPing, session)
      connection.ping(wantsAnswer: true)
    }
    if world.wants(5) {
      world.inject(.asyncMessage, session)
      let sense = Nexus.sense(0x06, 0x3F, 0x0E)
      if world.random.chance(500) {
        connection.tell(0, parameters: (0, 0, 0), data: [0, UInt8(sense.count)] + sense)
      } else {
        connection.tell(255, parameters: (1, 2, 3))
      }
    }
    if world.wants(5) {
      world.inject(.windowClosed, session)
      nexus.closeWindow(for: world.random.delay(upTo: 20 * World.second))
    }
    if world.wants(3) { resetUnit(world.random.below(media.count)) }
    if world.wants(3) {
      world.inject(.logoutRequested, session)
      connection.tell(1, parameters: (connection.connectionID, 0, 3))
    }
    if world.wants(3) {
      world.inject(.connectionsDropped, session)
      drop(nexus, on: connection)
    }
  }

  /// The target drops one connection, or all, and says so.
  private func drop(_ nexus: Nexus, on connection: NexusConnection) {
    let wait = world.random.pick([0, 1, 4])
    let isOne = world.random.chance(500)
    connection.tell(
      isOne ? 2 : 3, parameters: (isOne ? connection.connectionID : 0, UInt16(wait), 20))
    guard isOne, nexus.parameters.errorRecoveryLevel >= 2 else {
      ask(nexus.session, toWait: wait)
      return nexus.end(isInOrder: nexus.mayComeUnordered)
    }
    connection.end()
  }

  /// Another initiator resets a unit: its tasks end, with TASK ABORTED or without a word.
  private func resetUnit(_ unit: Int) {
    world.inject(.logicalUnitReset, unit)
    let speaks = world.random.chance(800)
    for nexus in nexuses {
      for task in nexus.tasks where task.unit == unit && task.hasBegun {
        if speaks, mayFail(task) {
          nexus.respond(task, status: 0x40)
        } else {
          nexus.finish(task)
        }
      }
      nexus.attentions[unit].append((0x29, 0x03))
    }
  }
}
