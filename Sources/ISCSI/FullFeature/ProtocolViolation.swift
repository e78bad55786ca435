/// A well-formed PDU that must not come here: the connection ends with it.
///
/// Every case names the PDU and the field.
package enum ProtocolViolation: Error, Equatable, Sendable {
  /// A target PDU for a task we do not have.
  case unknownTask(Opcode, InitiatorTaskTag)
  /// The PDU does not fit the task's direction or state.
  case unexpectedForTask(Opcode, InitiatorTaskTag)
  case statSN(expected: UInt32, found: UInt32)
  case dataSN(expected: UInt32, found: UInt32)
  case r2tSN(expected: UInt32, found: UInt32)
  /// Data-In outside the expected transfer or out of its sequence.
  case dataOffset(expected: UInt32, found: UInt32)
  case dataBeyondTransfer(offset: UInt32, length: Int, expected: UInt32)
  /// R2T outside the transfer, empty, or longer than MaxBurstLength.
  case transferRange(offset: UInt32, length: UInt32, expected: UInt32)
  /// Bytes that came, or were asked for, before.
  case overlap(Opcode, offset: UInt32, length: UInt32)
  /// More pieces apart from each other than are kept track of.
  case tooManyRanges(Opcode, limit: Int)
  case tooManyReadyToTransfer(limit: UInt32)
  /// More PDUs are missing than are asked for again.
  case tooManyMissing(limit: Int)
  /// What was asked for again came, and could not be used, so often.
  case stillMissing(times: Int)
  case reservedTransferTag(Opcode)
  case contradictoryResidual(flags: UInt8)
  /// Key=value text in full feature phase.
  case text(TextError)
  case unexpectedOpcode(Opcode)
  /// PDUs that want an answer come faster than the target takes the answers.
  case tooManyToAnswer(Opcode, limit: Int)
  case rejected(reason: UInt8)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .unknownTask(let opcode, let tag):
      "\(opcode.name) names task 0x\(String(tag.rawValue, radix: 16)), which does not exist"
    case .unexpectedForTask(let opcode, let tag):
      "\(opcode.name) does not fit task 0x\(String(tag.rawValue, radix: 16))"
    case .statSN(let expected, let found): "StatSN is \(found), expected \(expected)"
    case .dataSN(let expected, let found): "DataSN is \(found), expected \(expected)"
    case .r2tSN(let expected, let found): "R2TSN is \(found), expected \(expected)"
    case .dataOffset(let expected, let found):
      "Buffer Offset of SCSI Data-In is \(found), expected \(expected)"
    case .dataBeyondTransfer(let offset, let length, let expected):
      "SCSI Data-In carries \(length) bytes at \(offset) of a transfer of \(expected)"
    case .transferRange(let offset, let length, let expected):
      "R2T asks for \(length) bytes at \(offset) of a transfer of \(expected)"
    case .overlap(let opcode, let offset, let length):
      "Buffer Offset \(offset) of \(opcode.name) and its \(length) bytes overlap what was there"
    case .tooManyRanges(let opcode, let limit):
      "Buffer Offsets of \(opcode.name) leave more than \(limit) pieces apart"
    case .tooManyReadyToTransfer(let limit):
      "more R2Ts are outstanding than the \(limit) negotiated"
    case .tooManyMissing(let limit): "PDUs are missing in more than \(limit) places or runs"
    case .stillMissing(let times): "what was asked for again came damaged \(times) times"
    case .reservedTransferTag(let opcode):
      "\(opcode.name) carries the reserved Target Transfer Tag"
    case .contradictoryResidual(let flags):
      "residual flags 0x\(String(flags, radix: 16)) claim overflow and underflow at once"
    case .text(let error): error.sentence
    case .unexpectedOpcode(let opcode): "\(opcode.name) may not arrive in full feature phase"
    case .tooManyToAnswer(let opcode, let limit):
      "\(opcode.name) arrives faster than answers can leave; \(limit) PDUs wait to be sent"
    case .rejected(let reason):
      "the target rejected a PDU with reason 0x\(String(reason, radix: 16))"
    }
  }
}
