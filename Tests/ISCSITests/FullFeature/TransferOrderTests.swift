import ISCSI
import SCSI
import Testing
import Wire

/// RFC 7143, 13.18 and 13.19: a transfer whose data need not come in order.
@Suite("The data of one task in any order")
struct TransferOrderTests {
  private static func parameters(pdu: Bool, sequence: Bool) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.dataPDUInOrder = pdu
    parameters.dataSequenceInOrder = sequence
    parameters.maxOutstandingR2T = 64
    return parameters
  }

  /// A transfer with its record, so that a test says only what arrives.
  private struct Transfer {
    var state: TransferState
    var record = TransferRecord()
    let parameters: NegotiatedParameters
    var count: UInt32 = 0

    mutating func dataIn(
      _ offset: UInt32, _ length: Int, isFinal: Bool = false
    ) throws(ProtocolViolation) {
      var view = DataIn(
        initiatorTaskTag: InitiatorTaskTag(rawValue: 7), isFinal: isFinal,
        expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), dataSN: count,
        bufferOffset: offset)
      view.header.dataSegmentLength = length
      try state.receive(view, parameters: parameters, record: &record)
      count &+= 1
    }

    mutating func r2t(
      _ offset: UInt32, _ length: UInt32, tag: UInt32 = 5
    ) throws(ProtocolViolation) {
      let view = ReadyToTransfer(
        logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: InitiatorTaskTag(rawValue: 7),
        targetTransferTag: TargetTransferTag(rawValue: tag), statSN: SerialNumber(rawValue: 1),
        expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 1), r2tSN: count,
        bufferOffset: offset, desiredDataTransferLength: length)
      try state.receive(view, parameters: parameters, record: &record)
      count &+= 1
    }
  }

  private func read(
    _ length: UInt32 = 4096, pdu: Bool = false, sequence: Bool = false
  ) -> Transfer {
    Transfer(
      state: TransferState(direction: .read, expectedLength: length),
      parameters: Self.parameters(pdu: pdu, sequence: sequence))
  }

  private func write(_ length: UInt32 = 4096, sequence: Bool = false) -> Transfer {
    Transfer(
      state: TransferState(direction: .write, expectedLength: length),
      parameters: Self.parameters(pdu: true, sequence: sequence))
  }

  @Test("every order of six pieces covers a read exactly when the last one has come")
  func everyOrder() throws {
    // Heap's algorithm: all 720 permutations.
    var order = Array(0..<6)
    var counters = [Int](repeating: 0, count: 6)
    func check() throws {
      var transfer = read(6 * 512)
      for (position, piece) in order.enumerated() {
        #expect(!transfer.state.isWhole)
        try transfer.dataIn(UInt32(piece) * 512, 512)
        let whole = (0..<6).prefix { order[...position].contains($0) }.count
        #expect(transfer.state.receivedLength == UInt32(whole) * 512)
      }
      #expect(transfer.state.isWhole)
    }
    try check()
    var index = 0
    while index < 6 {
      if counters[index] < index {
        order.swapAt(index % 2 == 0 ? 0 : counters[index], index)
        try check()
        counters[index] += 1
        index = 0
      } else {
        counters[index] = 0
        index += 1
      }
    }
  }

  @Test("H21: no byte is taken twice, whatever was before and after it")
  func overlaps() throws {
    for (offset, length): (UInt32, Int) in [
      (0, 1), (511, 1), (511, 2), (1023, 2), (1024, 512), (1535, 1), (1024, 1), (512, 513),
      (0, 4096), (1500, 600), (2048, 1), (2000, 100),
    ] {
      var transfer = read()
      try transfer.dataIn(0, 512)
      try transfer.dataIn(1024, 512)
      try transfer.dataIn(2048, 1024)
      #expect(
        throws: ProtocolViolation.overlap(.dataIn, offset: offset, length: UInt32(length))
      ) { try transfer.dataIn(offset, length) }
    }
  }

  @Test("H20: nothing is taken beyond the transfer, offsets near 2^32 among it")
  func beyond() throws {
    for (offset, length): (UInt32, Int) in [
      (4096, 1), (4095, 2), (0xFFFF_FFFF, 1), (0xFFFF_FF00, 512), (0x8000_0000, 0xFF_FFFF),
    ] {
      var transfer = read()
      #expect(
        throws: ProtocolViolation.dataBeyondTransfer(
          offset: offset, length: length, expected: 4096)
      ) { try transfer.dataIn(offset, length) }
    }
  }

  @Test("H22: gaps are never whole, and pieces apart are bounded")
  func pieces() throws {
    var transfer = read(1 << 20)
    for index in 0..<UInt32(TransferRecord.rangeCapacity) {
      try transfer.dataIn(index * 1024 + 512, 512)
    }
    #expect(transfer.state.receivedLength == 0 && !transfer.state.isWhole)
    var full = transfer
    #expect(throws: ProtocolViolation.tooManyRanges(.dataIn, limit: 64)) {
      try full.dataIn(512 * 1024, 512)
    }
    // A piece that joins two makes room.
    try transfer.dataIn(1024, 512)
    try transfer.dataIn(512 * 1024, 512)
    try transfer.dataIn(0, 512)
    #expect(transfer.state.receivedLength == 4 * 512)
  }

  @Test("DataPDUInOrder holds inside a sequence where only the sequences may come in any order")
  func sequences() throws {
    var transfer = read(pdu: true)
    try transfer.dataIn(2048, 512)
    try transfer.dataIn(2560, 1536, isFinal: true)
    try transfer.dataIn(0, 1024)
    var other = transfer
    #expect(throws: ProtocolViolation.dataOffset(expected: 1024, found: 1536)) {
      try other.dataIn(1536, 512)
    }
    try transfer.dataIn(1024, 1024, isFinal: true)
    #expect(transfer.state.isWhole)
  }

  @Test("F11.1.2: a Data-In without data opens no sequence, and ends one")
  func emptyPDUs() throws {
    var transfer = read(pdu: true)
    try transfer.dataIn(2048, 1024)
    // The sequence goes on behind the empty PDU.
    try transfer.dataIn(0, 0)
    #expect(throws: ProtocolViolation.dataOffset(expected: 3072, found: 0)) {
      var other = transfer
      try other.dataIn(0, 1024)
    }
    try transfer.dataIn(3072, 1024)
    try transfer.dataIn(0, 0, isFinal: true)
    // The next begins where its first data are.
    try transfer.dataIn(0, 0)
    try transfer.dataIn(0, 1024)
    try transfer.dataIn(1024, 1024, isFinal: true)
    #expect(transfer.state.isWhole)
  }

  @Test("DataSequenceInOrder holds where only PDUs may come in any order")
  func pdus() throws {
    var transfer = read(sequence: true)
    try transfer.dataIn(1024, 1024)
    var other = transfer
    #expect(throws: ProtocolViolation.dataOffset(expected: 512, found: 0)) {
      try other.dataIn(0, 512, isFinal: true)
    }
    try transfer.dataIn(0, 1024, isFinal: true)
    try transfer.dataIn(3072, 1024)
    try transfer.dataIn(2048, 1024, isFinal: true)
    #expect(transfer.state.isWhole)
  }

  @Test("F12.3: R2Ts at 3072, 2048, 1024 and 0 with one tag are served as they came")
  func readyToTransfer() throws {
    var transfer = write()
    transfer.state.begin(immediateLength: 0, unsolicitedLength: 0, record: &transfer.record)
    for offset: UInt32 in [3072, 2048, 1024, 0] { try transfer.r2t(offset, 1024) }
    for offset: UInt32 in [3072, 2048, 1024, 0] {
      #expect(!transfer.state.isWhole)
      let segment = transfer.state.nextSegment(maximumLength: 8192, record: &transfer.record)
      #expect(segment.burst.offset == offset && segment.length == 1024 && segment.isFinal)
      #expect(segment.burst.targetTransferTag.rawValue == 5 && segment.burst.dataSN == 0)
    }
    #expect(transfer.state.isWhole && !transfer.state.hasBurst)
  }

  @Test("H29: no byte of a write is asked for twice in any order")
  func overlappingReadyToTransfer() throws {
    for (offset, length): (UInt32, UInt32) in [(0, 1), (1000, 100), (2048, 512), (2000, 49)] {
      var transfer = write()
      transfer.state.begin(immediateLength: 512, unsolicitedLength: 512, record: &transfer.record)
      try transfer.r2t(2048, 1024)
      #expect(
        throws: ProtocolViolation.overlap(.readyToTransfer, offset: offset, length: length)
      ) { try transfer.r2t(offset, length) }
    }
  }

  @Test("H26: nothing is asked for outside a write in any order")
  func rangesOfWrites() throws {
    for (offset, length): (UInt32, UInt32) in [
      (4096, 1), (4095, 2), (0xFFFF_FFFF, 1), (0xFFFF_FFFF, 0xFFFF_FFFF), (0, 0), (0, 4097),
    ] {
      var transfer = write()
      #expect(
        throws: ProtocolViolation.transferRange(offset: offset, length: length, expected: 4096)
      ) { try transfer.r2t(offset, length) }
    }
  }

  @Test("F21: DataSN and R2TSN wrap")
  func wraps() throws {
    var reading = Transfer(
      state: TransferState(
        direction: .read, expectedLength: 64 * 512, firstNumber: 0xFFFF_FFF0),
      parameters: NegotiatedParameters(), count: 0xFFFF_FFF0)
    for index: UInt32 in 0..<64 { try reading.dataIn(index * 512, 512) }
    #expect(reading.state.isWhole && reading.count == 48)
    var writing = Transfer(
      state: TransferState(
        direction: .write, expectedLength: 64 * 512, firstNumber: 0xFFFF_FFF0),
      parameters: Self.parameters(pdu: true, sequence: true), count: 0xFFFF_FFF0)
    for index: UInt32 in 0..<64 { try writing.r2t(index * 512, 512) }
    #expect(writing.count == 48)
  }

  @Test("F26: a target that counts more PDUs than came has lost some")
  func counts() throws {
    var transfer = read()
    try transfer.dataIn(0, 4096)
    #expect(transfer.state.lacks(expDataSN: 2) && !transfer.state.lacks(expDataSN: 1))
    #expect(!transfer.state.lacks(expDataSN: 0))
    var asked = write()
    try asked.r2t(0, 4096)
    #expect(asked.state.lacks(expDataSN: 2) && !asked.state.lacks(expDataSN: 1))
  }
}
