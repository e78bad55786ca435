/// How a command ended on a logical unit: status, data for the initiator, sense.
package struct CommandResult: Equatable, Sendable {
  /// The SAM-5 status byte.
  package var status: UInt8
  /// Everything the CDB asks for; the transport moves no more than was expected.
  package var data: [UInt8] = []
  package var sense: SenseData? = nil

  package static let good = CommandResult(status: 0x00)

  /// GOOD with `data`, cut to the CDB's allocation length where it has one.
  package static func good(_ data: [UInt8], allocationLength: UInt64? = nil) -> CommandResult {
    guard let allocationLength, allocationLength < UInt64(data.count) else {
      return CommandResult(status: 0x00, data: data)
    }
    return CommandResult(status: 0x00, data: Array(data.prefix(Int(allocationLength))))
  }

  package static func check(_ sense: SenseData) -> CommandResult {
    CommandResult(status: 0x02, sense: sense)
  }

  package static let busy = CommandResult(status: 0x08)
  package static let reservationConflict = CommandResult(status: 0x18)
  package static let taskSetFull = CommandResult(status: 0x28)
  package static let acaActive = CommandResult(status: 0x30)
}
