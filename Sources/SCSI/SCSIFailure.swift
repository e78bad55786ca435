/// Why a command failed for good, in words that do not know of errno.
package enum SCSIFailure: UInt8, Error, BitwiseCopyable, Hashable, Sendable {
  case mediumError
  case hardwareError

  /// DATA PROTECT: the medium refuses writes (07/27).
  case writeProtected

  /// DATA PROTECT, space allocation failed: a thin pool is full (07/27/07).
  case spaceExhausted

  /// NOT READY, medium not present (02/3A).
  case mediumNotPresent

  /// NOT READY for a cause that does not pass by itself.
  case notReady

  /// ILLEGAL REQUEST, logical unit not supported (05/25/00).
  case logicalUnitGone

  case reservationConflict

  /// COMPARE AND WRITE found other bytes (SBC-4, 5.3).
  case miscompare

  /// ILLEGAL REQUEST for another cause than those with a name of their own.
  case illegalRequest

  /// Logical block address out of range: the capacity is not what we believed (05/21/00).
  case lbaOutOfRange

  /// Invalid command operation code: the command is not implemented (05/20/00).
  case unsupportedCommand

  /// The command was ended by the target or another initiator more often than we try.
  case aborted

  case other
}

extension SCSIFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .mediumError: "The medium has an unrecoverable error"
    case .hardwareError: "The device reports a hardware error"
    case .writeProtected: "The logical unit is write protected"
    case .spaceExhausted: "The target has no space left to allocate"
    case .mediumNotPresent: "No medium is present"
    case .notReady: "The logical unit is not ready"
    case .logicalUnitGone: "The logical unit no longer exists"
    case .reservationConflict: "Another initiator holds a reservation"
    case .miscompare: "The data compared differ"
    case .illegalRequest: "The device refused the command as illegal"
    case .lbaOutOfRange: "The logical block address is out of range"
    case .unsupportedCommand: "The device does not implement the command"
    case .aborted: "The command was aborted too often"
    case .other: "The device failed the command"
    }
  }
}
