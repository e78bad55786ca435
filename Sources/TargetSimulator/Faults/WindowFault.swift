import ISCSI
import Wire

/// Narrows the window the initiator sees; with `size` 0 it is closed.
///
/// MaxCmdSN may thereby seem to go back, which an initiator ignores (RFC 7143, 4.2.2.1); for an
/// honest narrow window set `TargetParameters.commandWindow`.
package final class WindowFault: ConnectionFault {
  package var size: UInt32

  package init(size: UInt32) {
    self.size = size
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.map { unit in
      var unit = unit
      let header = unit.unit.header
      unit.unit.header.maxCmdSN = header.expCmdSN.advanced(by: size &- 1)
      return unit
    }
  }
}
