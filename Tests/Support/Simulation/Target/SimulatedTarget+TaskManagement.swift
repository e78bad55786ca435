/// Task management: what it is about ends before it is answered.
extension SimulatedTarget {
  /// Takes a Task Management Request (RFC 7143, 11.5).
  func manage(_ header: [UInt8], of nexus: Nexus, on connection: NexusConnection) {
    let function = header[1] & 0x7F
    let unit = Int(header[9])
    if function == 8 { return reassign(header, of: nexus, on: connection) }
    if world.wants(100) {
      world.inject(.managementUnanswered, nexus.session)
      return
    }
    if world.wants(100) {
      world.inject(.managementRefused, nexus.session)
      return answer(header, world.random.pick([5, 255]), on: connection)
    }
    switch function {
    case 1:
      answer(header, abort(header, of: nexus) ? 0 : 1, on: connection)
    case 5, 6:
      // All it is about must have come: nothing of it may be answered later (4.2.3.3).
      nexus.waiting.append(
        (
          header.big32(24),
          { [weak self, weak nexus] in
            guard let self, let nexus else { return }
            reset(by: nexus, before: header.big32(24)) { function == 6 || $0.unit == unit }
            answer(header, 0, on: connection)
          }
        ))
      nexus.deliver()
    default: answer(header, 5, on: connection)
    }
  }

  /// Ends one task; a command that has not come counts as come and ended (11.5.1, 11.6.1).
  private func abort(_ header: [UInt8], of nexus: Nexus) -> Bool {
    if let task = nexus.tasks.first(where: { $0.tag == header.big32(20) }) {
      end(task, of: nexus)
      if !task.hasBegun { nexus.skip(task.cmdSN) }
      return true
    }
    nexus.answered.last { $0.tag == header.big32(20) }?.isForfeited = true
    let number = header.big32(32)
    if nexus.over.contains(number) {
      world.violate("a task is to be aborted whose status was acknowledged")
    }
    guard nexus.mayComeUnordered, Int32(bitPattern: number &- nexus.expCmdSN) >= 0,
      Int32(bitPattern: header.big32(24) &- number) > 0
    else { return false }
    nexus.skip(number)
    return true
  }

  private func reassign(_ header: [UInt8], of nexus: Nexus, on connection: NexusConnection) {
    world.after(world.random.delay(upTo: 50 * World.millisecond)) { [weak nexus] in
      guard let nexus, nexus.isAlive, connection.isAlive,
        let response = nexus.reassign(header, to: connection)
      else { return }
      connection.send(managementResponse: header, response)
      if response == 0 { nexus.resume(header, on: connection) }
    }
  }

  private func answer(_ header: [UInt8], _ response: UInt8, on connection: NexusConnection) {
    world.after(world.random.delay(upTo: 50 * World.millisecond)) { [weak connection] in
      guard let connection, connection.isAlive else { return }
      connection.send(managementResponse: header, response)
    }
  }

  private func reset(
    by nexus: Nexus, before cmdSN: UInt32, _ isConcerned: (TargetTask) -> Bool
  ) {
    // Nobody waits for the data of those any more that have their status.
    for task in nexus.answered where isConcerned(task) { task.isForfeited = true }
    for other in nexuses {
      for task in other.tasks where task.hasBegun && isConcerned(task) {
        if other === nexus, Int32(bitPattern: cmdSN &- task.cmdSN) <= 0 { continue }
        end(task, of: other)
      }
      guard other !== nexus else { continue }
      for unit in media.indices { other.attentions[unit].append((0x29, 0x03)) }
    }
  }

  private func end(_ task: TargetTask, of nexus: Nexus) {
    abort(task)
    nexus.finish(task)
  }
}
