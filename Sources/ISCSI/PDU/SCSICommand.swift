package import SCSI
package import Wire

/// SCSI Command: a CDB on its way to a logical unit, perhaps with immediate data behind it.
///
/// Source: RFC 7143, 11.3.
package struct SCSICommand: BitwiseCopyable, Sendable {
  /// How the target may order the task (byte 1, bits 0-2).
  package enum Attribute: UInt8, Sendable {
    case untagged, simple, ordered, headOfQueue, aca
  }

  package var header: BasicHeaderSegment

  package init(_ header: BasicHeaderSegment) { self.header = header }

  /// - Parameters:
  ///   - expectedDataTransferLength: bytes the task moves, in the direction the flags name.
  ///   - isFinal: no unsolicited Data-Out follows.
  package init(
    logicalUnit: LogicalUnitNumber,
    initiatorTaskTag: InitiatorTaskTag,
    cdb: CommandDescriptorBlock,
    expectedDataTransferLength: UInt32,
    isRead: Bool,
    isWrite: Bool,
    isFinal: Bool = true,
    attribute: Attribute = .simple,
    cmdSN: SerialNumber,
    expStatSN: SerialNumber
  ) {
    header = BasicHeaderSegment(
      opcode: .scsiCommand,
      flags: (isFinal ? 0x80 : 0) | (isRead ? 0x40 : 0) | (isWrite ? 0x20 : 0)
        | attribute.rawValue)
    header.word1 = logicalUnit.rawValue
    header.word2 = UInt64(initiatorTaskTag.rawValue) << 32 | UInt64(expectedDataTransferLength)
    header.word3 = UInt64(cmdSN.rawValue) << 32 | UInt64(expStatSN.rawValue)
    header.word4 = cdb.first
    header.word5 = cdb.second
  }

  package var isRead: Bool { header.flags & 0x40 != 0 }
  package var isWrite: Bool { header.flags & 0x20 != 0 }
  package var attribute: Attribute? { Attribute(rawValue: header.flags & 0x07) }
  package var logicalUnit: LogicalUnitNumber { LogicalUnitNumber(rawValue: header.word1) }
  package var expectedDataTransferLength: UInt32 { UInt32(truncatingIfNeeded: header.word2) }
}
