package import ISCSI

/// Lets the target find a wrong data digest in selected PDUs of the initiator's.
package final class DamagedIncomingFault: ConnectionFault {
  private var selector: PDUSelector

  package init(_ selector: PDUSelector) {
    self.selector = selector
  }

  package func incoming(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, at now: UInt64
  ) -> [ProtocolDataUnit] {
    guard connection.session != nil, selector.selects(unit.header) else { return [unit] }
    connection.receiveDamaged(unit)
    return []
  }
}
