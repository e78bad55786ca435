package import ISCSI

/// Sends PDUs of the test's making behind the first one a selector picks: unasked, unknown, wrong.
package final class InsertFault: ConnectionFault {
  private var selector: PDUSelector
  private let units: [ProtocolDataUnit]

  package init(_ units: [ProtocolDataUnit], behind selector: PDUSelector) {
    self.units = units
    self.selector = selector
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.flatMap { unit -> [OutgoingUnit] in
      guard selector.selects(unit.unit.header) else { return [unit] }
      return [unit]
        + self.units.map {
          OutgoingUnit(unit: $0, headerDigest: unit.headerDigest, dataDigest: unit.dataDigest)
        }
    }
  }
}
