import ISCSI
import SCSI
import Testing
import Wire

/// Bytes of a transfer that come, or are asked for, again.
@Suite("A transfer of which something was lost")
struct TransferRecoveryTests {
  private static let task = InitiatorTaskTag(rawValue: 9)

  private static var parameters: NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.errorRecoveryLevel = 1
    return parameters
  }

  private func dataIn(_ offset: UInt32, _ length: Int) -> DataIn {
    var header = DataIn(
      initiatorTaskTag: Self.task, isFinal: false, expCmdSN: SerialNumber(rawValue: 1),
      maxCmdSN: SerialNumber(rawValue: 1), dataSN: 0, bufferOffset: offset
    ).header
    header.dataSegmentLength = length
    return DataIn(header)
  }

  private func readyToTransfer(_ offset: UInt32, _ length: UInt32) -> ReadyToTransfer {
    ReadyToTransfer(
      logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: Self.task,
      targetTransferTag: TargetTransferTag(rawValue: offset), statSN: SerialNumber(rawValue: 1),
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), r2tSN: 0,
      bufferOffset: offset, desiredDataTransferLength: length)
  }

  @Test("E04, E11: takes Data-In in any order, each byte once and none beyond")
  func reads() throws {
    var state = TransferState(direction: .read, expectedLength: 4096)
    var record = TransferRecord()
    for offset in [1024, 3072, 0] as [UInt32] {
      try state.check(dataIn(offset, 1024), record: record)
      try state.place(dataIn(offset, 1024), record: &record)
    }
    #expect(state.receivedLength == 2048 && !state.isWhole)
    let taken: [(UInt32, Int)] = [(2047, 1), (2048, 1025), (3072, 1024), (3000, 512)]
    for (offset, length) in taken {
      let overlap = ProtocolViolation.overlap(.dataIn, offset: offset, length: UInt32(length))
      #expect(throws: overlap) {
        try state.check(dataIn(offset, length), record: record)
      }
    }
    for (offset, length) in [(4096, 1), (4095, 2), (.max, 1)] as [(UInt32, Int)] {
      #expect(
        throws: ProtocolViolation.dataBeyondTransfer(
          offset: offset, length: length, expected: 4096)
      ) { try state.check(dataIn(offset, length), record: record) }
    }
    try state.check(dataIn(2048, 1024), record: record)
    try state.place(dataIn(2048, 1024), record: &record)
    #expect(state.isWhole)
  }

  @Test("D13: serves R2Ts for what was sent before, in part or whole, and is whole with the rest")
  func writes() throws {
    var state = TransferState(direction: .write, expectedLength: 8192)
    var record = TransferRecord()
    state.begin(immediateLength: 1024, unsolicitedLength: 0, record: &record)
    let asked: [(UInt32, UInt32)] = [
      (512, 1536), (4096, 1024), (1024, 5120), (6144, 2048), (0, 8192),
    ]
    var sent: UInt32 = 0
    // With what was immediate; with a gap before; over both ends of what there was; again.
    for (offset, length) in asked {
      try state.receiveAgain(
        readyToTransfer(offset, length), parameters: Self.parameters, record: &record)
      // Less than all of it leaves before the next one comes.
      let segment = state.nextSegment(maximumLength: 512, record: &record)
      sent += segment.length
    }
    while state.hasBurst {
      let segment = state.nextSegment(maximumLength: 4096, record: &record)
      sent += segment.length
    }
    #expect(state.isWhole)
    #expect(sent == asked.reduce(0) { $0 + $1.1 })
  }

  @Test("D13: takes an R2T for more than is outstanding by the target's count, within bounds")
  func outstanding() throws {
    var state = TransferState(direction: .write, expectedLength: 8192)
    var record = TransferRecord()
    for _ in 0..<TransferRecord.readyToTransferCapacity {
      try state.receiveAgain(
        readyToTransfer(0, 1024), parameters: Self.parameters, record: &record)
    }
    #expect(throws: ProtocolViolation.tooManyReadyToTransfer(limit: 64)) {
      try state.receiveAgain(
        readyToTransfer(0, 1024), parameters: Self.parameters, record: &record)
    }
    #expect(throws: ProtocolViolation.transferRange(offset: 8000, length: 512, expected: 8192)) {
      try state.receiveAgain(
        readyToTransfer(8000, 512), parameters: Self.parameters, record: &record)
    }
  }
}
