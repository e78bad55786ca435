import ISCSI

/// Holds selected PDUs back for a while; others overtake them.
package final class DelayFault: ConnectionFault {
  private var selector: PDUSelector
  private let milliseconds: UInt64

  package init(_ selector: PDUSelector = .all, milliseconds: UInt64) {
    self.selector = selector
    self.milliseconds = milliseconds
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.map { unit in
      guard selector.selects(unit.unit.header) else { return unit }
      var unit = unit
      unit.notBeforeMilliseconds = max(unit.notBeforeMilliseconds, now + milliseconds)
      return unit
    }
  }
}
