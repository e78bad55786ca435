/// Task management: what it is about ends before it is answered.
extension SimulatedTarget {
  /// Takes a Task Management Request (RFC 7143, 11.5).
  func manage(_ header: [UInt8], of nexus: Nexus) {
    let function = header[1] & 0x7F
    let unit = Int(header[9])
    var response: UInt8 = 0
    if world.wants(100) {
      world.inject(.managementUnanswered, nexus.session)
      return
    }
    if world.wants(100) {
      world.inject(.managementRefused, nexus.session)
      return answer(header, world.random.pick([5, 255]), of: nexus)
    }
    switch function {
    case 1:
      let task = nexus.tasks.first { $0.tag == header.big32(20) }
      if let task { end(task, of: nexus) } else { response = 1 }
    case 5: reset(by: nexus) { $0.unit == unit }
    case 6: reset(by: nexus) { _ in true }
    default: response = 5
    }
    answer(header, response, of: nexus)
  }

  private func answer(_ header: [UInt8], _ response: UInt8, of nexus: Nexus) {
    let tag = header.big32(16)
    world.after(world.random.delay(upTo: 50 * World.millisecond)) { [weak nexus] in
      guard let nexus, nexus.isAlive else { return }
      var pdu = nexus.pdu(0x22, tag: tag, countsStatus: true)
      pdu.header[2] = response
      nexus.send(pdu)
    }
  }

  private func reset(by nexus: Nexus, _ isConcerned: (TargetTask) -> Bool) {
    for other in nexuses {
      for task in other.tasks where isConcerned(task) { end(task, of: other) }
      guard other !== nexus else { continue }
      for unit in media.indices { other.attentions[unit].append((0x29, 0x03)) }
    }
  }

  private func end(_ task: TargetTask, of nexus: Nexus) {
    abort(task)
    nexus.finish(task)
  }
}
