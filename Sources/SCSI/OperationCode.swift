/// The first byte of a command descriptor block: what the command is.
///
/// Source: SPC-5, 4.2.5.1 (operation code) and annex F; SBC-4, 5.1.
package struct OperationCode: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  // Primary commands (SPC-5, clause 6).
  @inlinable package static var testUnitReady: OperationCode { OperationCode(rawValue: 0x00) }
  @inlinable package static var requestSense: OperationCode { OperationCode(rawValue: 0x03) }
  @inlinable package static var inquiry: OperationCode { OperationCode(rawValue: 0x12) }
  @inlinable package static var modeSense6: OperationCode { OperationCode(rawValue: 0x1A) }
  @inlinable package static var modeSense10: OperationCode { OperationCode(rawValue: 0x5A) }
  @inlinable package static var reportLUNs: OperationCode { OperationCode(rawValue: 0xA0) }

  /// MAINTENANCE IN, whose second byte names REPORT TARGET PORT GROUPS.
  @inlinable package static var maintenanceIn: OperationCode { OperationCode(rawValue: 0xA3) }

  // Block commands (SBC-4, clause 5).
  @inlinable package static var startStopUnit: OperationCode { OperationCode(rawValue: 0x1B) }
  @inlinable package static var readCapacity10: OperationCode { OperationCode(rawValue: 0x25) }
  @inlinable package static var read10: OperationCode { OperationCode(rawValue: 0x28) }
  @inlinable package static var write10: OperationCode { OperationCode(rawValue: 0x2A) }
  @inlinable package static var synchronizeCache10: OperationCode {
    OperationCode(rawValue: 0x35)
  }
  @inlinable package static var unmap: OperationCode { OperationCode(rawValue: 0x42) }
  @inlinable package static var read16: OperationCode { OperationCode(rawValue: 0x88) }
  @inlinable package static var write16: OperationCode { OperationCode(rawValue: 0x8A) }
  @inlinable package static var synchronizeCache16: OperationCode {
    OperationCode(rawValue: 0x91)
  }
  @inlinable package static var writeSame16: OperationCode { OperationCode(rawValue: 0x93) }

  /// SERVICE ACTION IN(16), whose second byte names READ CAPACITY(16) or GET LBA STATUS.
  @inlinable package static var serviceActionIn16: OperationCode {
    OperationCode(rawValue: 0x9E)
  }

  /// Bytes in a CDB of this operation code's group; 16 where the group does not say.
  ///
  /// Source: SPC-5, 4.2.5.1, table 25 (group codes).
  @inlinable
  package var commandDescriptorBlockLength: Int {
    switch rawValue >> 5 {
    case 0b000: 6
    case 0b001, 0b010: 10
    case 0b101: 12
    default: 16
    }
  }
}
