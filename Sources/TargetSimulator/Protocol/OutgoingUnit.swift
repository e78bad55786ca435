package import ISCSI

/// A PDU of the target's on its way out, with what is decided when it is made.
package struct OutgoingUnit: Sendable {
  package var unit: ProtocolDataUnit
  /// Digests in force when it was made.
  package var headerDigest: Bool
  package var dataDigest: Bool
  /// Milliseconds on the caller's clock before which it must not leave.
  package var notBeforeMilliseconds: UInt64 = 0

  package init(unit: ProtocolDataUnit, headerDigest: Bool = false, dataDigest: Bool = false) {
    self.unit = unit
    self.headerDigest = headerDigest
    self.dataDigest = dataDigest
  }

  package var opcode: Opcode { unit.header.opcode }
}
