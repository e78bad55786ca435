import ISCSI

/// Sends selected PDUs twice, the same bytes.
package final class DuplicateFault: ConnectionFault {
  private var selector: PDUSelector

  package init(_ selector: PDUSelector) {
    self.selector = selector
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.flatMap { selector.selects($0.unit.header) ? [$0, $0] : [$0] }
  }
}
