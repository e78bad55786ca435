import ISCSI
import SCSI
import Testing
import Wire

@Suite("The data of one task")
struct TransferStateTests {
  private let task = InitiatorTaskTag(rawValue: 7)
  private let number = SerialNumber(rawValue: 1)
  private let plain = NegotiatedParameters()

  private func dataIn(_ dataSN: UInt32, offset: UInt32, length: Int) -> DataIn {
    var view = DataIn(
      initiatorTaskTag: task, isFinal: false, expCmdSN: number, maxCmdSN: number,
      dataSN: dataSN, bufferOffset: offset)
    view.header.dataSegmentLength = length
    return view
  }

  private func r2t(
    _ r2tSN: UInt32, offset: UInt32, length: UInt32, tag: UInt32 = 5
  ) -> ReadyToTransfer {
    ReadyToTransfer(
      logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: task,
      targetTransferTag: TargetTransferTag(rawValue: tag), statSN: number, expCmdSN: number,
      maxCmdSN: number, r2tSN: r2tSN, bufferOffset: offset, desiredDataTransferLength: length)
  }

  private func parameters(outstanding: UInt32) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.maxOutstandingR2T = outstanding
    return parameters
  }

  @Test("a read is whole when all its bytes have come, empty PDUs among them")
  func read() throws {
    var record = TransferRecord()
    var transfer = TransferState(direction: .read, expectedLength: 1024)
    try transfer.receive(dataIn(0, offset: 0, length: 1000), parameters: plain, record: &record)
    try transfer.receive(
      dataIn(1, offset: 0xFFFF_FFFF, length: 0), parameters: plain, record: &record)
    #expect(!transfer.isWhole && transfer.receivedLength == 1000)
    try transfer.receive(dataIn(2, offset: 1000, length: 24), parameters: plain, record: &record)
    #expect(transfer.isWhole)
    #expect(
      throws: ProtocolViolation.dataBeyondTransfer(offset: 1024, length: 1, expected: 1024)
    ) {
      try transfer.receive(dataIn(3, offset: 1024, length: 1), parameters: plain, record: &record)
    }
  }

  @Test("F21: 16 MiB - 1 in one PDU at the end of a 4 GiB transfer neither traps nor passes")
  func extremes() throws {
    var record = TransferRecord()
    var transfer = TransferState(direction: .read, expectedLength: 0xFFFF_FFFF)
    try transfer.receive(
      dataIn(0, offset: 0, length: 0xFF_FFFF), parameters: plain, record: &record)
    #expect(throws: ProtocolViolation.dataOffset(expected: 0xFF_FFFF, found: 0xFFFF_FFFF)) {
      try transfer.receive(
        dataIn(1, offset: 0xFFFF_FFFF, length: 0xFF_FFFF), parameters: plain, record: &record)
    }
  }

  @Test("F12.2: a burst becomes Data-Out no longer than the target takes, the last one final")
  func segments() throws {
    var record = TransferRecord()
    var transfer = TransferState(direction: .write, expectedLength: 4096)
    transfer.begin(immediateLength: 0, unsolicitedLength: 0, record: &record)
    try transfer.receive(
      r2t(0, offset: 0, length: 1200), parameters: parameters(outstanding: 1), record: &record)
    for (index, length) in [512, 512, 176].enumerated() {
      let segment = transfer.nextSegment(maximumLength: 512, record: &record)
      #expect(segment.burst.offset == UInt32(index) * 512 && segment.length == UInt32(length))
      #expect(segment.burst.dataSN == UInt32(index) && segment.isFinal == (index == 2))
      #expect(segment.burst.targetTransferTag.rawValue == 5)
    }
    #expect(!transfer.hasBurst && !transfer.isWhole)
  }

  /// RFC 7143, 13.17: the limit counts R2Ts, not the unsolicited data before them.
  @Test(
    "H28: R2Ts up to MaxOutstandingR2T wait in order, one more is refused",
    arguments: [1, 3, 16, 64])
  func outstanding(limit: UInt32) throws {
    let parameters = parameters(outstanding: limit)
    var record = TransferRecord()
    var transfer = TransferState(direction: .write, expectedLength: 1 << 20)
    transfer.begin(immediateLength: 512, unsolicitedLength: 512, record: &record)
    for index in 0..<limit {
      try transfer.receive(
        r2t(index, offset: 1024 + index * 512, length: 512, tag: index), parameters: parameters,
        record: &record)
    }
    #expect(throws: ProtocolViolation.tooManyReadyToTransfer(limit: limit)) {
      try transfer.receive(
        r2t(limit, offset: 1024 + limit * 512, length: 512), parameters: parameters, record: &record
      )
    }
    #expect(
      transfer.nextSegment(maximumLength: 512, record: &record).burst.targetTransferTag == .reserved
    )
    for index in 0..<limit {
      let segment = transfer.nextSegment(maximumLength: 512, record: &record)
      #expect(segment.burst.targetTransferTag.rawValue == index && segment.isFinal)
      #expect(segment.burst.offset == 1024 + index * 512 && segment.burst.dataSN == 0)
    }
    #expect(!transfer.hasBurst)
  }

  @Test("more R2Ts than there is room for are refused whatever was negotiated")
  func capacity() throws {
    let parameters = parameters(outstanding: 65_535)
    var record = TransferRecord()
    var transfer = TransferState(direction: .write, expectedLength: 1 << 20)
    transfer.begin(immediateLength: 0, unsolicitedLength: 512, record: &record)
    for index: UInt32 in 0..<64 {
      try transfer.receive(
        r2t(index, offset: 512 + index * 512, length: 512), parameters: parameters, record: &record)
    }
    #expect(throws: ProtocolViolation.self) {
      try transfer.receive(
        r2t(64, offset: 512 * 65, length: 512), parameters: parameters, record: &record)
    }
  }

  @Test("H15, H26, H29: R2Ts come numbered, in order, inside the transfer, each byte once")
  func readyToTransferRules() throws {
    let parameters = parameters(outstanding: 8)
    var record = TransferRecord()
    var transfer = TransferState(direction: .write, expectedLength: 4096)
    transfer.begin(immediateLength: 1024, unsolicitedLength: 0, record: &record)
    #expect(throws: ProtocolViolation.r2tSN(expected: 0, found: 1)) {
      try transfer.receive(
        r2t(1, offset: 1024, length: 512), parameters: parameters, record: &record)
    }
    for offset: UInt32 in [0, 512, 1536, 4096, 0xFFFF_FE00] {
      #expect(
        throws: ProtocolViolation.transferRange(offset: offset, length: 512, expected: 4096)
      ) {
        try transfer.receive(
          r2t(0, offset: offset, length: 512), parameters: parameters, record: &record)
      }
    }
    try transfer.receive(
      r2t(0, offset: 1024, length: 3072), parameters: parameters, record: &record)
    #expect(!transfer.isWhole)
    _ = transfer.nextSegment(maximumLength: 4096, record: &record)
    #expect(transfer.isWhole)
    #expect(
      throws: ProtocolViolation.transferRange(offset: 4096, length: 1, expected: 4096)
    ) {
      try transfer.receive(r2t(1, offset: 4096, length: 1), parameters: parameters, record: &record)
    }
  }
}
