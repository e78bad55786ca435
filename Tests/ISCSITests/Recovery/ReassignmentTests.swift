import ISCSI
import SCSI
import Testing
import Wire

/// What of a task counts when another connection takes it over: RFC 7143, 7.2.2 and 11.5.6.
@Suite("A task that is reassigned")
struct ReassignmentTests {
  private static let task = InitiatorTaskTag(rawValue: 9)
  private static let one = SerialNumber(rawValue: 1)

  private func dataIn(_ dataSN: UInt32, _ offset: UInt32, _ length: Int = 1024) -> DataIn {
    var header = DataIn(
      initiatorTaskTag: Self.task, isFinal: false, expCmdSN: Self.one, maxCmdSN: Self.one,
      dataSN: dataSN, bufferOffset: offset
    ).header
    header.dataSegmentLength = length
    return DataIn(header)
  }

  private func readyToTransfer(
    _ number: UInt32, _ offset: UInt32, _ length: UInt32
  ) -> ReadyToTransfer {
    ReadyToTransfer(
      logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: Self.task,
      targetTransferTag: TargetTransferTag(rawValue: number), statSN: Self.one, expCmdSN: Self.one,
      maxCmdSN: Self.one, r2tSN: number, bufferOffset: offset, desiredDataTransferLength: length)
  }

  private static func parameters(ordered: Bool = true) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.errorRecoveryLevel = 2
    parameters.dataPDUInOrder = ordered
    parameters.dataSequenceInOrder = ordered
    parameters.maxOutstandingR2T = 4
    return parameters
  }

  @Test("E13 ExpDataSN is the first Data-In that has not come; what came behind it comes again")
  func reads() throws {
    var state = TransferState(direction: .read, expectedLength: 4096)
    var record = TransferRecord()
    var recovery = TaskRecovery()
    for number in [0, 1, 3] as [UInt32] {
      try state.place(dataIn(number, number * 1024), record: &record)
      _ = try recovery.receive(dataIn(number, number * 1024))
    }
    try recovery.hold(.dataIn, .init(statSN: Self.one, residual: .none), of: Self.task)
    recovery.reassign(.read)
    state.reassign(parameters: Self.parameters(), record: record)
    #expect(recovery.expDataSN == 2 && recovery.heldStatus == nil && !recovery.awaitsPDUs)
    #expect(state.receivedLength == 2048)
    // A target that cannot say where it was begins anew: what has come is a duplicate.
    #expect(!recovery.gaps.isNew(1) && recovery.gaps.isNew(2) && recovery.gaps.isNew(3))
    for number in [2, 3] as [UInt32] {
      try state.check(dataIn(number, number * 1024), record: record)
      try state.place(dataIn(number, number * 1024), record: &record)
      _ = try recovery.receive(dataIn(number, number * 1024))
    }
    #expect(state.isWhole && recovery.hasAll(of: 4))
  }

  @Test("E13 a read of which nothing has come says 0")
  func untouched() {
    var recovery = TaskRecovery()
    recovery.reassign(.read)
    #expect(recovery.expDataSN == 0)
  }

  @Test("E13 data out of order that come again are taken, and counted once")
  func unordered() throws {
    var state = TransferState(direction: .read, expectedLength: 4096)
    var record = TransferRecord()
    try state.place(dataIn(0, 3072), record: &record)
    state.reassign(parameters: Self.parameters(ordered: false), record: record)
    for (number, offset, length) in [(1, 2048, 2048), (2, 0, 2048)] as [(UInt32, UInt32, Int)] {
      try state.check(dataIn(number, offset, length), record: record)
      try state.place(dataIn(number, offset, length), record: &record)
    }
    #expect(state.isWhole)
  }

  @Test("E06, F10.2 all up to a Data-In has come where the bytes are in order, or where all have")
  func hasAllBefore() throws {
    for isOrdered in [true, false] {
      var state = TransferState(direction: .read, expectedLength: 4096)
      var record = TransferRecord()
      let parameters = Self.parameters(ordered: isOrdered)
      state.reassign(parameters: parameters, record: record)
      for offset in [0, 2048, 1024, 3072] as [UInt32] {
        try state.place(dataIn(0, offset), record: &record)
        let hasAll = state.hasAll(upTo: dataIn(0, offset), parameters: parameters)
        #expect(hasAll == (isOrdered ? offset != 2048 : offset == 3072), "\(offset)")
      }
    }
  }

  /// It is in its place before its digest is known, and may be damaged.
  @Test("E06, E13 a payload laid over counted bytes counts anew, with all behind it")
  func overlaid() throws {
    var state = TransferState(direction: .read, expectedLength: 4096)
    var record = TransferRecord()
    try state.place(dataIn(0, 0), record: &record)
    state.expose(to: dataIn(0, 0), record: record)
    #expect(state.receivedLength == 1024, "nothing comes twice before a reassignment")
    state.reassign(parameters: Self.parameters(), record: record)
    for number in [2, 3, 1] as [UInt32] {
      state.expose(to: dataIn(number, number * 1024), record: record)
      try state.place(dataIn(number, number * 1024), record: &record)
    }
    #expect(state.isWhole)
    state.expose(to: dataIn(5, 512), record: record)
    #expect(state.receivedLength == 512 && !state.hasReceived(allBut: .none))
    try state.place(dataIn(5, 512), record: &record)
    try state.place(dataIn(6, 2048), record: &record)
    state.expose(to: dataIn(7, 2560), record: record)
    try state.place(dataIn(8, 1536), record: &record)
    #expect(state.receivedLength == 2560)
  }

  @Test("E13 what was asked for and had not left is not counted as sent")
  func writes() throws {
    let parameters = Self.parameters()
    var state = TransferState(direction: .write, expectedLength: 8192)
    var record = TransferRecord()
    state.begin(immediateLength: 1024, unsolicitedLength: 0, record: &record)
    try state.receiveAgain(readyToTransfer(0, 1024, 4096), parameters: parameters, record: &record)
    try state.receiveAgain(readyToTransfer(1, 5120, 3072), parameters: parameters, record: &record)
    _ = state.nextSegment(maximumLength: 2048, record: &record)
    state.reassign(parameters: parameters, record: record)
    #expect(!state.hasBurst && !state.isWhole)
    // The target has all of it but says GOOD without having asked for the rest: not whole.
    try state.receiveAgain(readyToTransfer(2, 3072, 2048), parameters: parameters, record: &record)
    while state.hasBurst { _ = state.nextSegment(maximumLength: 4096, record: &record) }
    #expect(!state.isWhole)
    try state.receiveAgain(readyToTransfer(3, 5120, 3072), parameters: parameters, record: &record)
    while state.hasBurst { _ = state.nextSegment(maximumLength: 4096, record: &record) }
    #expect(state.isWhole)
  }

  @Test("E13 a target numbers a reassigned write's R2Ts as it likes")
  func numbers() throws {
    for first in [0, 1, 7] as [UInt32] {
      var recovery = TaskRecovery()
      _ = try recovery.receive(readyToTransfer(0, 0, 512))
      recovery.reassign(.write)
      #expect(recovery.expDataSN == 0)
      recovery.anchor(readyToTransfer(first, 512, 512))
      #expect(recovery.gaps.isNew(first))
      #expect(try recovery.receive(readyToTransfer(first, 512, 512)) == nil)
      recovery.anchor(readyToTransfer(first + 1, 1024, 512))
      #expect(!recovery.gaps.isNew(first) && recovery.hasAll(of: 20))
    }
  }
}
