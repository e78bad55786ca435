import Glibc
import SCSI
import SystemPackage

extension Errno {
  /// What a LUN file's user gets for a failed command, by the contract of the mounted tree.
  init(_ failure: SCSIFailure) {
    switch failure {
    case .writeProtected: self = .readOnlyFileSystem
    case .spaceExhausted: self = .noSpace
    case .mediumNotPresent: self = Errno(rawValue: ENOMEDIUM)
    case .logicalUnitGone: self = .noSuchAddressOrDevice
    case .reservationConflict: self = Errno(rawValue: EBADE)
    case .miscompare: self = .illegalByteSequence
    case .mediumError, .hardwareError, .notReady, .illegalRequest, .lbaOutOfRange,
      .unsupportedCommand, .aborted, .other:
      self = .ioError
    }
  }
}
