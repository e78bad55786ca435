package import Wire

/// The fields that stand at the same place in (nearly) every PDU.
extension BasicHeaderSegment {
  /// The six opcode bits; an opcode nobody defined is representable, and refused by who reads it.
  package var opcode: Opcode { Opcode(rawValue: UInt8(truncatingIfNeeded: word0 >> 56) & 0x3F) }

  /// The I bit: delivered at once, outside CmdSN order.
  package var isImmediate: Bool { word0 & 0x4000_0000_0000_0000 != 0 }

  /// Byte 1: the opcode-specific flags; bit 7 is F (or T).
  package var flags: UInt8 {
    get { UInt8(truncatingIfNeeded: word0 >> 48) }
    set { word0 = word0 & ~0x00FF_0000_0000_0000 | UInt64(newValue) << 48 }
  }

  /// Bit 7 of byte 1: the last PDU of its sequence.
  package var isFinal: Bool { flags & 0x80 != 0 }

  /// Bytes 2 and 3: opcode-specific (versions, response and status, reason).
  package var byte2: UInt8 {
    get { UInt8(truncatingIfNeeded: word0 >> 40) }
    set { word0 = word0 & ~0x0000_FF00_0000_0000 | UInt64(newValue) << 40 }
  }

  package var byte3: UInt8 {
    get { UInt8(truncatingIfNeeded: word0 >> 32) }
    set { word0 = word0 & ~0x0000_00FF_0000_0000 | UInt64(newValue) << 32 }
  }

  /// Additional header segments, in four-byte words.
  package var totalAHSLength: UInt8 {
    get { UInt8(truncatingIfNeeded: word0 >> 24) }
    set { word0 = word0 & ~0x0000_0000_FF00_0000 | UInt64(newValue) << 24 }
  }

  /// Payload bytes, without padding: 24 bits on the wire.
  package var dataSegmentLength: Int {
    get { Int(word0 & 0x00FF_FFFF) }
    set {
      precondition(newValue >= 0 && newValue < 1 << 24, "DataSegmentLength has 24 bits")
      word0 = word0 & ~0x00FF_FFFF | UInt64(newValue)
    }
  }

  /// Bytes 16-19.
  package var initiatorTaskTag: InitiatorTaskTag {
    get { InitiatorTaskTag(rawValue: UInt32(truncatingIfNeeded: word2 >> 32)) }
    set { word2 = word2 & 0xFFFF_FFFF | UInt64(newValue.rawValue) << 32 }
  }

  /// Bytes 20-23: the target transfer tag, where the PDU has one.
  package var targetTransferTag: TargetTransferTag {
    get { TargetTransferTag(rawValue: UInt32(truncatingIfNeeded: word2)) }
    set { word2 = word2 & ~0xFFFF_FFFF | UInt64(newValue.rawValue) }
  }

  /// Bytes 24-27 from an initiator.
  package var cmdSN: SerialNumber {
    get { SerialNumber(rawValue: UInt32(truncatingIfNeeded: word3 >> 32)) }
    set { word3 = word3 & 0xFFFF_FFFF | UInt64(newValue.rawValue) << 32 }
  }

  /// Bytes 28-31 from an initiator.
  package var expStatSN: SerialNumber {
    get { SerialNumber(rawValue: UInt32(truncatingIfNeeded: word3)) }
    set { word3 = word3 & ~0xFFFF_FFFF | UInt64(newValue.rawValue) }
  }

  /// Bytes 24-27 from a target.
  package var statSN: SerialNumber {
    get { cmdSN }
    set { cmdSN = newValue }
  }

  /// Bytes 28-31 from a target.
  package var expCmdSN: SerialNumber {
    get { expStatSN }
    set { expStatSN = newValue }
  }

  /// Bytes 32-35 from a target.
  package var maxCmdSN: SerialNumber {
    get { SerialNumber(rawValue: UInt32(truncatingIfNeeded: word4 >> 32)) }
    set { word4 = word4 & 0xFFFF_FFFF | UInt64(newValue.rawValue) << 32 }
  }

  /// The whole PDU's size on the wire, with padding and the digests in force.
  package func wireLength(headerDigest: Bool, dataDigest: Bool) -> Int {
    let data = dataSegmentLength
    return Self.byteCount + Int(totalAHSLength) * 4 + (headerDigest ? 4 : 0)
      + ((data + 3) & ~3) + (dataDigest && data > 0 ? 4 : 0)
  }
}
