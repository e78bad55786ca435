extension OperationCode: CustomStringConvertible {
  /// The command's name in the standards, or its first byte: `command 7Fh`.
  package var description: String {
    switch self {
    case .testUnitReady: "TEST UNIT READY"
    case .requestSense: "REQUEST SENSE"
    case .inquiry: "INQUIRY"
    case .modeSense6: "MODE SENSE(6)"
    case .modeSense10: "MODE SENSE(10)"
    case .reportLUNs: "REPORT LUNS"
    case .maintenanceIn: "MAINTENANCE IN"
    case .startStopUnit: "START STOP UNIT"
    case .readCapacity10: "READ CAPACITY(10)"
    case .read10: "READ(10)"
    case .write10: "WRITE(10)"
    case .synchronizeCache10: "SYNCHRONIZE CACHE(10)"
    case .unmap: "UNMAP"
    case .read16: "READ(16)"
    case .write16: "WRITE(16)"
    case .synchronizeCache16: "SYNCHRONIZE CACHE(16)"
    case .writeSame16: "WRITE SAME(16)"
    case .serviceActionIn16: "SERVICE ACTION IN(16)"
    default: "command \(rawValue.hexadecimal)h"
    }
  }
}

extension CommandDescriptorBlock {
  /// Where a command that moves or zeroes blocks begins, nil for others.
  ///
  /// Source: SBC-4, 5.16, 5.18, 5.43, 5.45 and 5.54.
  package var logicalBlockAddress: UInt64? {
    switch operationCode {
    case .read10, .write10: UInt64(bigEndian(at: 2, as: UInt32.self))
    case .read16, .write16, .writeSame16: bigEndian(at: 2, as: UInt64.self)
    default: nil
    }
  }
}
