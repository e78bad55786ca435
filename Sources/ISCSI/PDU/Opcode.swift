/// The six opcode bits of a PDU.
///
/// Source: RFC 7143, 11.2.1.2.
package struct Opcode: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  // From the initiator.
  package static let nopOut = Opcode(rawValue: 0x00)
  package static let scsiCommand = Opcode(rawValue: 0x01)
  package static let taskManagementRequest = Opcode(rawValue: 0x02)
  package static let loginRequest = Opcode(rawValue: 0x03)
  package static let textRequest = Opcode(rawValue: 0x04)
  package static let dataOut = Opcode(rawValue: 0x05)
  package static let logoutRequest = Opcode(rawValue: 0x06)
  package static let snackRequest = Opcode(rawValue: 0x10)

  // From the target.
  package static let nopIn = Opcode(rawValue: 0x20)
  package static let scsiResponse = Opcode(rawValue: 0x21)
  package static let taskManagementResponse = Opcode(rawValue: 0x22)
  package static let loginResponse = Opcode(rawValue: 0x23)
  package static let textResponse = Opcode(rawValue: 0x24)
  package static let dataIn = Opcode(rawValue: 0x25)
  package static let logoutResponse = Opcode(rawValue: 0x26)
  package static let readyToTransfer = Opcode(rawValue: 0x31)
  package static let asyncMessage = Opcode(rawValue: 0x32)
  package static let reject = Opcode(rawValue: 0x3F)

  /// The name the RFC gives the PDU, for messages.
  package var name: String {
    switch self {
    case .nopOut: "NOP-Out"
    case .scsiCommand: "SCSI Command"
    case .taskManagementRequest: "Task Management Function Request"
    case .loginRequest: "Login Request"
    case .textRequest: "Text Request"
    case .dataOut: "SCSI Data-Out"
    case .logoutRequest: "Logout Request"
    case .snackRequest: "SNACK Request"
    case .nopIn: "NOP-In"
    case .scsiResponse: "SCSI Response"
    case .taskManagementResponse: "Task Management Function Response"
    case .loginResponse: "Login Response"
    case .textResponse: "Text Response"
    case .dataIn: "SCSI Data-In"
    case .logoutResponse: "Logout Response"
    case .readyToTransfer: "R2T"
    case .asyncMessage: "Asynchronous Message"
    case .reject: "Reject"
    default: "opcode 0x" + String(rawValue, radix: 16)
    }
  }
}
