import ISCSI

/// Loses selected PDUs on their way out.
package final class DropFault: ConnectionFault {
  private var selector: PDUSelector

  package init(_ selector: PDUSelector) {
    self.selector = selector
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.filter { !selector.selects($0.unit.header) }
  }
}
