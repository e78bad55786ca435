import ISCSI

/// Mixes the Data-In of different tasks within a turn, one PDU of each in rotation.
///
/// Legal: only what bears a StatSN keeps its order (RFC 7143, 4.2.2.3).
package final class InterleaveFault: ConnectionFault {
  package init() {}

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    var order: [InitiatorTaskTag] = []
    var perTask: [InitiatorTaskTag: [OutgoingUnit]] = [:]
    var rotated: [OutgoingUnit] = []
    for unit in units {
      let tag = unit.unit.header.initiatorTaskTag
      guard unit.opcode == .dataIn else {
        rotated += drain(&order, &perTask)
        rotated.append(unit)
        continue
      }
      if perTask[tag] == nil { order.append(tag) }
      perTask[tag, default: []].append(unit)
    }
    return rotated + drain(&order, &perTask)
  }

  private func drain(
    _ order: inout [InitiatorTaskTag], _ perTask: inout [InitiatorTaskTag: [OutgoingUnit]]
  ) -> [OutgoingUnit] {
    var rotated: [OutgoingUnit] = []
    // Statuses leave in the order of their tasks, which is the order of their StatSN.
    while let first = order.first {
      for tag in order {
        guard var units = perTask[tag], let next = units.first else { continue }
        guard tag == first || !DataIn(next.unit.header).hasStatus else { continue }
        units.removeFirst()
        rotated.append(next)
        perTask[tag] = units
      }
      if perTask[first]?.isEmpty != false {
        order.removeFirst()
        perTask[first] = nil
      }
    }
    return rotated
  }
}
