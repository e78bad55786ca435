import Glibc
import ISCSI
import LinuxIO
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Full feature phase", .bothChannels, .timeLimit(.minutes(5)))
struct FullFeatureTests {
  private static let payload = [UInt8].pattern(49_152)

  /// Plays the target of one write: checks every PDU against what was agreed; returns its bytes.
  private func playWrite(
    _ harness: ReactorHarness, _ length: Int, _ parameters: NegotiatedParameters
  ) throws -> (task: InitiatorTaskTag, bytes: [UInt8]) {
    let segment = Int(parameters.maxXmitDataSegmentLength)
    let firstBurst = min(Int(parameters.firstBurstLength), length)
    let command = try harness.command()
    let task = command.view.header.initiatorTaskTag
    #expect(command.view.expectedDataTransferLength == UInt32(length))
    #expect(command.view.isWrite && !command.view.isRead)
    var bytes = command.unit.data
    #expect(bytes.count == (parameters.immediateData ? min(firstBurst, segment) : 0))
    let isUnsolicited = !parameters.initialR2T && bytes.count < firstBurst
    #expect(command.view.header.isFinal == !isUnsolicited)
    if isUnsolicited {
      bytes += try burst(harness, task, .reserved, bytes.count..<firstBurst, segment)
    }
    var r2tSN: UInt32 = 0
    while bytes.count < length {
      #expect(try harness.sent() == nil)
      let range = bytes.count..<min(length, bytes.count + Int(parameters.maxBurstLength))
      let tag = TargetTransferTag(rawValue: 0xABBA_0000 + r2tSN)
      harness.sendR2T(
        task, transferTag: tag.rawValue, r2tSN: r2tSN, offset: UInt32(range.lowerBound),
        length: UInt32(range.count))
      bytes += try burst(harness, task, tag, range, segment)
      r2tSN += 1
    }
    #expect(try harness.sent() == nil)
    return (task, bytes)
  }

  private func burst(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, _ tag: TargetTransferTag,
    _ range: Range<Int>, _ segment: Int
  ) throws -> [UInt8] {
    var bytes = [UInt8]()
    var dataSN: UInt32 = 0
    while bytes.count < range.count {
      let unit = try #require(try harness.sent())
      let dataOut = DataOut(unit.header)
      let isRight =
        unit.header.opcode == .dataOut && unit.header.initiatorTaskTag == task
        && unit.header.targetTransferTag == tag && dataOut.dataSN == dataSN
        && Int(dataOut.bufferOffset) == range.lowerBound + bytes.count
        && unit.data.count == min(segment, range.count - bytes.count)
        && unit.header.isFinal == (bytes.count + unit.data.count == range.count)
        && dataOut.logicalUnit == LogicalUnitNumber(number: 1)
      #expect(isRight, "\(unit.header)")
      bytes += unit.data
      dataSN += 1
    }
    return bytes
  }

  @Test("F8.1, F16.6: FirstBurstLength 512 goes unasked, bursts of 1024 when asked for")
  func smallBursts() throws {
    var parameters = NegotiatedParameters()
    parameters.firstBurstLength = 512
    parameters.maxBurstLength = 1024
    parameters.initialR2T = false
    let harness = try ReactorHarness(parameters: parameters)
    let unique = harness.write(offset: 0, .pattern(4096))
    let (task, bytes) = try playWrite(harness, 4096, parameters)
    #expect(bytes == .pattern(4096))
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(4096)))
  }

  @Test(
    "F6.1, F11.3, F11.4, F12.1, F16.3.1: every mode, lengths from 512 to 16 MiB - 1",
    arguments: [
      (512, 512, 512), (512, 16_777_215, 513), (16_777_215, 16_777_215, 16_777_215),
      (8192, 8192, 16_777_215), (65_536, 65_536, 8192), (1000, 100_001, 4099),
    ] as [(UInt32, UInt32, UInt32)], [0, 1, 2, 3])
  func lengths(_ lengths: (first: UInt32, burst: UInt32, segment: UInt32), mode: Int) throws {
    var parameters = NegotiatedParameters()
    parameters.firstBurstLength = lengths.first
    parameters.maxBurstLength = lengths.burst
    parameters.maxXmitDataSegmentLength = lengths.segment
    parameters.maxRecvDataSegmentLength = 16_777_215
    parameters.immediateData = mode & 1 == 0
    parameters.initialR2T = mode & 2 == 0
    let harness = try ReactorHarness(parameters: parameters)
    let payload = Self.payload
    let unique = harness.write(offset: 0, payload)
    let (task, bytes) = try playWrite(harness, payload.count, parameters)
    #expect(bytes == payload)
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(49_152)))
    // Nothing but what we declare bounds a Data-In.
    guard mode == 0 else { return }
    let data = [UInt8].pattern(1 << 19)
    let read = harness.read(offset: 0, size: 1 << 19)
    let reading = try harness.command().view.header.initiatorTaskTag
    harness.sendLarge(reading, data)
    #expect(harness.reply() == .init(unique: read, error: 0, payload: data))
  }

  @Test("F11.1.2, F10.1: Data-In without data is no error, with status it ends the task")
  func emptyDataIn() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, [], status: nil)
    harness.sendDataIn(task, .pattern(512), dataSN: 1, status: nil)
    harness.sendDataIn(task, [], offset: 512, dataSN: 2)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(harness.busySlots == 0)
  }

  @Test("F16.1.1: the first command carries the login's numbers")
  func firstCommand() throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    let header = try harness.command().view.header
    #expect(header.cmdSN.rawValue == 50 && header.expStatSN.rawValue == 100)
    #expect(header.initiatorTaskTag != .reserved && header.dataSegmentLength == 0)
  }

  @Test("F3.2: a wide window is filled without waiting, each CmdSN one after the other (F1.1)")
  func pipelines() throws {
    let harness = try ReactorHarness()
    for index: UInt64 in 0..<10 { _ = harness.read(offset: index * 512, size: 512) }
    for index: UInt32 in 0..<10 {
      #expect(try harness.command().view.header.cmdSN.rawValue == 50 + index)
    }
  }

  @Test("F3.3: a window of one lets one command out at a time")
  func windowOfOne() throws {
    let harness = try ReactorHarness()
    harness.port.drop(ReactorHarness.session)
    harness.turn()
    try harness.reconnect(maxCmdSN: 50)
    for index: UInt64 in 0..<4 { _ = harness.read(offset: index * 512, size: 512) }
    for index: UInt32 in 0..<4 {
      let header = try harness.command().view.header
      #expect(header.cmdSN.rawValue == 50 + index)
      #expect(try harness.sent() == nil)
      harness.send(
        DataIn(
          initiatorTaskTag: header.initiatorTaskTag, isFinal: true,
          status: (.good, harness.nextStatSN(), .none), expCmdSN: header.cmdSN.successor,
          maxCmdSN: header.cmdSN.successor, dataSN: 0, bufferOffset: 0
        ).header, data: .pattern(512))
      #expect(harness.reply()?.error == 0)
    }
  }

  @Test("F16.5, F3.1: a window that a response closed holds commands until a NOP-In opens it")
  func closedByResponse() throws {
    let harness = try ReactorHarness()
    harness.port.drop(ReactorHarness.session)
    harness.turn()
    try harness.reconnect(maxCmdSN: 50)
    _ = harness.write(offset: 0, .pattern(512))
    let write = try harness.command().view.header
    harness.send(
      SCSIResponse(
        initiatorTaskTag: write.initiatorTaskTag, status: .good, statSN: harness.nextStatSN(),
        expCmdSN: SerialNumber(rawValue: 51), maxCmdSN: SerialNumber(rawValue: 50)
      ).header)
    #expect(harness.reply()?.error == 0)
    _ = harness.read(offset: 0, size: 512)
    harness.advance(milliseconds: 2_000)
    #expect(try harness.sent() == nil)
    harness.send(
      NOPIn(
        statSN: harness.comingStatSN, expCmdSN: SerialNumber(rawValue: 51),
        maxCmdSN: SerialNumber(rawValue: 51)
      ).header)
    #expect(try harness.command().view.header.cmdSN.rawValue == 51)
  }

  @Test("F21: CmdSN and StatSN wrap in ten thousand commands from FFFFFFF0h")
  func wraps() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    var cmdSN = SerialNumber(rawValue: 0xFFFF_FFF0)
    var statSN = SerialNumber(rawValue: 0xFFFF_FFF0)
    try harness.restart(cmdSN: cmdSN, expStatSN: statSN)
    for _ in 0..<(ReactorHarness.channel == .device ? 10_000 : 1_000) {
      let unique = harness.read(offset: 0, size: 512)
      let header = try #require(try harness.sent()).header
      guard header.cmdSN == cmdSN, header.expStatSN == statSN else {
        Issue.record("\(header.cmdSN) is not \(cmdSN), or \(header.expStatSN) not \(statSN)")
        return
      }
      cmdSN = cmdSN.successor
      harness.send(
        DataIn(
          initiatorTaskTag: header.initiatorTaskTag, isFinal: true,
          status: (.good, statSN, .none), expCmdSN: cmdSN, maxCmdSN: cmdSN.advanced(by: 3),
          dataSN: 0, bufferOffset: 0
        ).header, data: [UInt8](repeating: 7, count: 512))
      statSN = statSN.successor
      guard harness.reply()?.unique == unique else {
        Issue.record("no answer at \(cmdSN)")
        return
      }
    }
  }

  @Test("F24: a write that the target took only in part is no success")
  func underflowOfWrite() throws {
    for residual in [Residual.underflow(1), .underflow(512), .overflow(512)] {
      let harness = try ReactorHarness()
      let unique = harness.write(offset: 0, .pattern(512))
      for _ in 0..<6 {
        let task = try harness.command().view.header.initiatorTaskTag
        harness.send(
          SCSIResponse(
            initiatorTaskTag: task, status: .good, statSN: harness.nextStatSN(),
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, residual: residual
          ).header)
      }
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    }
  }

  /// All came that was asked for, but the target speaks of more: its blocks are not ours.
  @Test("F24: a LUN's transfer that overflows is no data, and has the LUN looked at once")
  func overflow() async throws {
    for isWrite in [false, true] {
      let harness = try ReactorHarness()
      let unique =
        isWrite ? harness.write(offset: 0, .pattern(512)) : harness.read(offset: 0, size: 512)
      for _ in 0..<6 {
        let command = try harness.command().view.header
        if !isWrite { harness.sendDataIn(command.initiatorTaskTag, .pattern(512), status: nil) }
        harness.send(
          SCSIResponse(
            initiatorTaskTag: command.initiatorTaskTag, status: .good,
            statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max, expDataSN: isWrite ? 0 : 1, residual: .overflow(3584)
          ).header)
      }
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
      let look = ReactorEvent.unitWantsLook(
        ReactorHarness.session, LogicalUnitNumber(number: 1))
      let block = LogicalBlockAddress(0)
      let failure = CommandFailure(
        .ended(.aborted, nil),
        of: isWrite ? .write16(lba: block, blocks: 1) : .read16(lba: block, blocks: 1))
      #expect(
        await harness.events() == [look, .commandFailed(ReactorHarness.unit, failure)])
    }
  }

  @Test("F26: GOOD of a target that counts more PDUs than came is tried again, then EIO")
  func lostPDUs() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    for count: UInt32 in [2, 3, 0xFFFF_FFFF, 2, 2, 2] {
      let task = try harness.command().view.header.initiatorTaskTag
      harness.sendDataIn(task, .pattern(512), status: nil)
      harness.send(
        SCSIResponse(
          initiatorTaskTag: task, status: .good, statSN: harness.nextStatSN(),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, expDataSN: count
        ).header)
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    // Targets that do not count say 0.
    let plain = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512), status: nil)
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: plain, error: 0, payload: .pattern(512)))
  }

  @Test("F31, H62: a thousand pings are answered each, data of theirs not echoed, I/O goes on")
  func pings() throws {
    let harness = try ReactorHarness()
    for tag: UInt32 in 0..<1000 {
      let unique = tag % 10 == 0 ? harness.read(offset: 0, size: 512) : 0
      let task = tag % 10 == 0 ? try harness.command().view.header.initiatorTaskTag : .reserved
      harness.send(
        NOPIn(
          targetTransferTag: TargetTransferTag(rawValue: tag), statSN: harness.comingStatSN,
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header, data: .pattern(Int(tag % 50)))
      let answer = try #require(try harness.sent())
      #expect(answer.header.targetTransferTag.rawValue == tag && answer.data.isEmpty)
      guard tag % 10 == 0 else { continue }
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    }
  }

  /// What a target sends for a read in four PDUs and a write with two R2Ts, in order.
  @Test(
    "F33: wherever the target closes with tasks in flight, they are whole after it",
    arguments: 0..<12)
  func closes(point: Int) throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    let read = harness.read(offset: 0, size: 2048)
    let write = harness.write(offset: 4096, .pattern(1024))
    var remaining = point
    var answered: Set<UInt64> = []
    for _ in 0..<2 {
      let reading = try harness.command().view.header.initiatorTaskTag
      let writing = try harness.command().view.header.initiatorTaskTag
      let steps: [() throws -> Void] = [
        { harness.sendDataIn(reading, .pattern(512), status: nil) },
        { harness.sendR2T(writing, transferTag: 1, r2tSN: 0, offset: 0, length: 512) },
        { harness.sendHalf(reading, .pattern(512, from: 512), offset: 512, dataSN: 1) },
        { harness.sendRest() },
        { _ = try harness.sent() },
        {
          harness.sendDataIn(
            reading, .pattern(512, from: 1024), offset: 1024, dataSN: 2, status: nil)
        },
        { harness.sendAsync(.scsiAsyncEvent) },
        { harness.sendR2T(writing, transferTag: 2, r2tSN: 1, offset: 512, length: 512) },
        { harness.advance(milliseconds: 100) },
        { _ = try harness.sent() },
        { harness.sendDataIn(reading, .pattern(512, from: 1536), offset: 1536, dataSN: 3) },
        { harness.sendResponse(writing) },
      ]
      for step in steps {
        if remaining == 0 { break }
        try step()
        remaining -= 1
      }
      while let reply = harness.reply() {
        #expect(reply.error == 0)
        #expect(reply.payload == (reply.unique == read ? .pattern(2048) : .accepted(1024)))
        answered.insert(reply.unique)
      }
      guard answered.count < 2, remaining == 0 else { break }
      remaining = 12
      try harness.closeTarget()
      try harness.reconnect()
      guard answered.isEmpty else {
        harness.sendLast(of: try harness.command().view)
        answered.insert(harness.reply()?.unique ?? 0)
        break
      }
    }
    #expect(answered == [read, write])
  }
}

extension ReactorHarness {
  /// Starts the session anew with numbers of the test's.
  func restart(cmdSN: SerialNumber, expStatSN: SerialNumber) throws {
    let connection = try Self.pair(SOCK_STREAM)
    close(target)
    target = connection.theirs
    turn()
    port.start(
      home,
      ConnectionHandover(
        socket: OwnedDescriptor(owning: connection.ours), connectionID: 0, parameters: parameters,
        cmdSN: cmdSN, expStatSN: expStatSN, expCmdSN: cmdSN, maxCmdSN: cmdSN.advanced(by: 3),
        earlyBytes: [], timeouts: timeouts))
    turn()
  }

  /// Sends a Data-In with status that is larger than a socket's buffer.
  func sendLarge(_ task: InitiatorTaskTag, _ data: [UInt8]) {
    let bytes = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, nextStatSN(), .none),
        expCmdSN: window.exp, maxCmdSN: window.max, dataSN: 0, bufferOffset: 0
      ).header, data: data
    ).encoded()
    var position = 0
    while position < bytes.count {
      send(Array(bytes[position..<min(position + 65_536, bytes.count)]))
      position += 65_536
    }
  }

  private func half(
    _ task: InitiatorTaskTag, _ data: [UInt8], offset: UInt32, dataSN: UInt32
  ) -> [UInt8] {
    ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: false, expCmdSN: window.exp, maxCmdSN: window.max,
        dataSN: dataSN, bufferOffset: offset
      ).header, data: data
    ).encoded()
  }

  /// Sends a Data-In up to its middle; `sendRest` sends the rest of a pattern's.
  func sendHalf(_ task: InitiatorTaskTag, _ data: [UInt8], offset: UInt32, dataSN: UInt32) {
    send(Array(half(task, data, offset: offset, dataSN: dataSN)[..<300]))
  }

  func sendRest() {
    send(Array([UInt8].pattern(512, from: 512)[252...]))
  }

  /// Answers the write of 1024 bytes that is left when the read was answered.
  func sendLast(of command: SCSICommand) {
    let task = command.header.initiatorTaskTag
    sendR2T(task, transferTag: 1, r2tSN: 0, offset: 0, length: 1024)
    turn()
    sendResponse(task)
  }
}
