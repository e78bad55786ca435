import ISCSI

/// Asks for the ranges of a write in the opposite order, as DataSequenceInOrder=No allows.
///
/// R2TSN keeps counting; offset, length and tag change places within a turn's R2Ts of one task.
package final class ReverseR2TFault: ConnectionFault {
  package init() {}

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    var units = units
    let positions = units.indices.filter { units[$0].opcode == .readyToTransfer }
    let byTask = Dictionary(grouping: positions) { units[$0].unit.header.initiatorTaskTag }
    for positions in byTask.values {
      let headers = positions.map { units[$0].unit.header }
      for (position, header) in zip(positions, headers.reversed()) {
        units[position].unit.header.targetTransferTag = header.targetTransferTag
        units[position].unit.header.word5 = header.word5
      }
    }
    return units
  }
}
