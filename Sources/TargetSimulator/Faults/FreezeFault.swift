/// Stops answering without closing, and goes on when told: the target that hangs.
///
/// What it would have said leaves in order after the thaw.
package final class FreezeFault: ConnectionFault {
  /// Whether nothing leaves.
  package var isFrozen: Bool
  /// Freezes by itself after so many PDUs have left.
  private var remainingPDUs: Int?
  private var kept: [OutgoingUnit] = []

  package init(isFrozen: Bool = true) {
    self.isFrozen = isFrozen
  }

  /// - Parameter pduCount: PDUs of the target's that leave first.
  package init(afterPDUs pduCount: Int) {
    isFrozen = pduCount == 0
    remainingPDUs = pduCount
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    var leaving: [OutgoingUnit] = []
    if !isFrozen {
      leaving = kept
      kept = []
    }
    for unit in units {
      guard !isFrozen else {
        kept.append(unit)
        continue
      }
      leaving.append(unit)
      if let remaining = remainingPDUs {
        remainingPDUs = remaining > 1 ? remaining - 1 : nil
        isFrozen = remaining <= 1
      }
    }
    return leaving
  }
}
