package import ISCSI

/// Loses selected PDUs of the initiator's before the target sees them.
package final class DropIncomingFault: ConnectionFault {
  private var selector: PDUSelector

  package init(_ selector: PDUSelector) {
    self.selector = selector
  }

  package func incoming(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, at now: UInt64
  ) -> [ProtocolDataUnit] {
    selector.selects(unit.header) ? [] : [unit]
  }
}
