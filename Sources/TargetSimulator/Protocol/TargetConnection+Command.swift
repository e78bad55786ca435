import ISCSI
import SCSI
import Wire

/// SCSI commands: from the PDU to the logical unit and back to a response.
///
/// Source: RFC 7143, 11.3 and 11.4.
extension TargetConnection {
  func command(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    guard let target = session.target else { return }
    let command = SCSICommand(unit.header)
    guard session.tasks[unit.header.initiatorTaskTag] == nil else {
      return reject(unit, .taskInProgress)
    }
    let cdb = CommandBytes(
      first: unit.header.word4, second: unit.header.word5,
      additional: Self.extendedCDB(unit.additionalHeader))
    let logged = LoggedCommand(
      target: target.name, initiatorName: session.initiatorName,
      logicalUnitNumber: unit.header.word1, cdb: cdb,
      initiatorTaskTag: unit.header.initiatorTaskTag, cmdSN: unit.header.cmdSN,
      isImmediate: unit.header.isImmediate,
      expectedDataTransferLength: command.expectedDataTransferLength)
    portal.log.record(logged)

    var (result, wanted) = begin(logged, target, session)
    if let sense = immediateDataFault(unit, command) { result = .check(sense) }
    var isHeld = false
    for fault in faults {
      switch fault.outcome(of: logged, on: self) {
      case .hold: isHeld = true
      case .result(let injected): result = injected
      case nil: continue
      }
      break
    }
    if session.unitsInACA.contains(unit.header.word1), command.attribute != .aca {
      result = .acaActive
    }
    let task = SimulatedTask(unit, on: self, cdb: cdb, wantedByteCount: wanted, result: result)
    task.isHeld = isHeld
    session.tasks[task.initiatorTaskTag] = task
    advance(task, in: session)
  }

  /// Runs a task whose data is complete, and answers it.
  func finish(_ task: SimulatedTask, in session: SimulatedSession) {
    let unit = session.target?.logicalUnit(task.logicalUnitNumber)
    let result =
      task.result ?? unit?.execute(task.cdb, dataOut: task.buffer)
      ?? .check(.logicalUnitNotSupported)
    respond(
      to: task, with: result, descriptorFormat: unit?.configuration.usesDescriptorSense ?? false,
      in: session)
  }

  /// Ends a task: Data-In where there is data to send, status in the last of them or by itself.
  func respond(
    to task: SimulatedTask, with result: CommandResult, descriptorFormat: Bool,
    in session: SimulatedSession
  ) {
    session.tasks[task.initiatorTaskTag] = nil
    let number = task.logicalUnitNumber
    if result.status == 0x02, task.cdb.wantsACA,
      session.target?.logicalUnit(number)?.configuration.supportsACA == true
    {
      session.unitsInACA.insert(number)
    }
    defer { if recoversConnections { keep(task, with: result, descriptorFormat, in: session) } }
    let expected = task.expectedDataTransferLength
    let wanted: Int
    if task.isWrite {
      wanted = result.status == 0 ? task.wantedByteCount : task.receivedByteCount
    } else {
      wanted = result.data.count
    }
    let residual = Self.residual(wanted: wanted, expected: expected)
    var dataInCount: UInt32 = 0
    if task.isRead, !result.data.isEmpty, expected > 0 {
      let carriesStatus =
        result.sense == nil && result.status == 0 && task.firstDataSN == 0 && task.snackTag == 0
        && session.target?.parameters.sendsStatusInDataIn == true
      dataInCount = sendDataIn(
        result.data, count: min(wanted, expected), for: task,
        status: carriesStatus ? residual : nil, in: session)
      if carriesStatus { return }
    }
    send(
      SCSIResponse(
        initiatorTaskTag: task.initiatorTaskTag, status: SCSIStatus(rawValue: result.status),
        snackTag: task.snackTag, statSN: task.snackTag == 0 ? takeStatSN() : task.statSN,
        expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN(),
        expDataSN: dataInCount + task.r2tCount, residual: residual
      ).header,
      data: result.sense.map { Self.senseSegment($0, descriptorFormat: descriptorFormat) } ?? [])
  }

  /// Keeps a task whose status has been sent, until that is acknowledged.
  private func keep(
    _ task: SimulatedTask, with result: CommandResult, _ descriptorFormat: Bool,
    in session: SimulatedSession
  ) {
    task.answer = result
    task.usesDescriptorSense = descriptorFormat
    // One that is told again keeps its number.
    if task.snackTag == 0 { task.statSN = SerialNumber(rawValue: statSN.rawValue &- 1) }
    session.answered[task.initiatorTaskTag] = task
  }

  /// How much less or more a command moves than the initiator expects (RFC 7143, 11.4.5).
  static func residual(wanted: Int, expected: Int) -> Residual {
    if wanted < expected { return .underflow(UInt32(clamping: expected - wanted)) }
    if wanted > expected { return .overflow(UInt32(clamping: wanted - expected)) }
    return .none
  }

  /// What the unit, or its absence, makes of a command before any data.
  private func begin(
    _ command: LoggedCommand, _ target: SimulatedTarget, _ session: SimulatedSession
  ) -> (result: CommandResult?, wantedByteCount: Int) {
    let (number, cdb) = (command.logicalUnitNumber, command.cdb)
    // LUN 0 answers REPORT LUNS even with no unit behind it (SPC-5, 6.36).
    if cdb.operationCode == 0xA0, number == 0 || target.logicalUnit(number) != nil {
      session.clearReportedLUNsChanged()
      return (target.reportLUNs(cdb), 0)
    }
    guard let unit = target.logicalUnit(number), unit.configuration.isListed else {
      return (absent(cdb, target), 0)
    }
    switch cdb.operationCode {
    case 0x12:
      break
    case 0x03:
      if let pending = session.takeUnitAttention(number: number) {
        return (unit.requestSense(cdb, pending: pending), 0)
      }
    default:
      if let pending = session.takeUnitAttention(number: number) { return (.check(pending), 0) }
    }
    switch unit.prepare(cdb) {
    case .fails(let sense): return (.check(sense), 0)
    case .needs(let count):
      // WRITE SAME takes one block, no more and no less, as LIO and libiscsi's tests have it.
      if [0x41, 0x93].contains(cdb.operationCode), count != command.expectedDataTransferLength {
        return (.check(.invalidFieldInCDB), 0)
      }
      return (nil, count)
    }
  }

  private func absent(_ cdb: CommandBytes, _ target: SimulatedTarget) -> CommandResult {
    switch cdb.operationCode {
    case 0x12 where target.parameters.answersAbsentInquiry:
      return SimulatedLogicalUnit.absentInquiry(
        cdb, peripheral: target.parameters.absentInquiryByte)
    case 0x03:
      let sense = SenseData.logicalUnitNotSupported.encoded(descriptorFormat: cdb[1] & 1 != 0)
      return .good(sense, allocationLength: UInt64(cdb[4]))
    default:
      return .check(.logicalUnitNotSupported)
    }
  }

  /// Immediate or unsolicited data against what was negotiated (RFC 7143, 11.4.7.2).
  private func immediateDataFault(_ unit: ProtocolDataUnit, _ command: SCSICommand) -> SenseData? {
    if !unit.data.isEmpty && (!negotiated.immediateData || !command.isWrite) {
      return .unexpectedUnsolicitedData
    }
    if !unit.header.isFinal && (negotiated.initialR2T || !command.isWrite) {
      return .unexpectedUnsolicitedData
    }
    let limit = min(negotiated.firstBurstLength, Int(command.expectedDataTransferLength))
    return unit.data.count > limit ? .incorrectAmountOfData : nil
  }

  /// What an Extended CDB segment adds to the sixteen bytes (RFC 7143, 11.2.2.3).
  private static func extendedCDB(_ segments: [UInt8]) -> ArraySlice<UInt8> {
    var position = 0
    while position + 4 <= segments.count {
      let length = Int(segments[position]) << 8 | Int(segments[position + 1])
      let end = min(position + 3 + length, segments.count)
      if segments[position + 2] & 0x3F == 1, position + 4 <= end {
        return segments[(position + 4)..<end]
      }
      position += (3 + length + 3) & ~3
    }
    return []
  }
}

extension SenseData {
  package static let unexpectedUnsolicitedData = SenseData(0xB, 0x0C, 0x0C)
  package static let incorrectAmountOfData = SenseData(0xB, 0x0C, 0x0D)
}
