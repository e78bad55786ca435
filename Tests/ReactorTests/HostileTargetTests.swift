import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("A hostile target", .bothChannels, .timeLimit(.minutes(5)))
struct HostileTargetTests {
  /// Plays `attack` on the task of a read of 1024 bytes and returns why the session was lost.
  private func lost(
    reading: Bool = true, _ attack: (ReactorHarness, InitiatorTaskTag) throws -> Void
  ) async throws -> [ReactorEvent] {
    let harness = try ReactorHarness()
    if reading {
      _ = harness.read(offset: 0, size: 1024)
    } else {
      _ = harness.write(offset: 0, .pattern(16_384))
    }
    try attack(harness, try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == nil)
    return await harness.events()
  }

  private func violation(_ violation: ProtocolViolation) -> [ReactorEvent] {
    [.sessionLost(ReactorHarness.session, .violation(violation))]
  }

  @Test("H10: that answers a task nobody has loses the session")
  func unknownTask() async throws {
    let tag = InitiatorTaskTag(rawValue: 0x0007_FFF0)
    #expect(
      try await lost { harness, _ in harness.sendDataIn(tag, .pattern(512)) }
        == violation(.unknownTask(.dataIn, tag)))
    #expect(
      try await lost { harness, _ in harness.sendResponse(tag) }
        == violation(.unknownTask(.scsiResponse, tag)))
    let old = InitiatorTaskTag(rawValue: 0x0000_0000)
    #expect(
      try await lost { harness, _ in harness.sendResponse(old) }
        == violation(.unknownTask(.scsiResponse, old)))
  }

  @Test("H11, H61: that answers a ping or a logout never sent loses the session")
  func unaskedAnswers() async throws {
    let tag = InitiatorTaskTag(rawValue: 0x0001_FFFE)
    #expect(
      try await lost { harness, _ in
        harness.send(
          NOPIn(
            initiatorTaskTag: tag, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max
          ).header)
      } == violation(.unknownTask(.nopIn, tag)))
    let logout = InitiatorTaskTag(rawValue: 0xFFFD)
    #expect(
      try await lost { harness, _ in
        harness.send(
          LogoutResponse(
            response: .closed, initiatorTaskTag: logout, statSN: harness.nextStatSN(),
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
          ).header)
      } == violation(.unknownTask(.logoutResponse, logout)))
  }

  @Test("H12: that answers twice loses the session, the caller keeps the first answer")
  func twice() async throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendDataIn(task, .pattern(512))
    harness.sendDataIn(task, .pattern(512, from: 1))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(harness.reply() == nil)
    #expect(await harness.events() == violation(.unknownTask(.dataIn, task)))
  }

  @Test("H13: whose StatSN jumps loses the session", arguments: [99, 101, 100 + 1 << 31])
  func statSN(found: UInt32) async throws {
    #expect(
      try await lost { harness, task in
        harness.send(
          SCSIResponse(
            initiatorTaskTag: task, status: .busy, statSN: SerialNumber(rawValue: found),
            expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
          ).header)
      } == violation(.statSN(expected: 100, found: found)))
  }

  @Test("H14: that keeps the window closed for replacement_timeout gets its callers EIO")
  func closedWindow() throws {
    var timeouts = SessionTimeouts()
    timeouts.pingIntervalMilliseconds = 0
    let harness = try ReactorHarness(timeouts: timeouts)
    let session = ReactorHarness.session
    harness.port.drop(session)
    harness.turn()
    try harness.reconnect(maxCmdSN: 49)
    let unique = harness.read(offset: 0, size: 512)
    #expect(try harness.sent() == nil)
    harness.advance(milliseconds: 119_999)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 250)
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("F25, H15: whose DataSN repeats or skips loses the session", arguments: [0, 2])
  func dataSN(found: UInt32) async throws {
    #expect(
      try await lost { harness, task in
        harness.sendDataIn(task, .pattern(512), status: nil)
        harness.sendDataIn(task, .pattern(512), offset: 512, dataSN: found)
      } == violation(.dataSN(expected: 1, found: found)))
  }

  @Test("H20, H21: whose Data-In lies elsewhere loses the session")
  func dataOffset() async throws {
    for offset: UInt32 in [512, 0xFFFF_FFFF, 0x8000_0000] {
      #expect(
        try await lost { $0.sendDataIn($1, .pattern(512), offset: offset) }
          == violation(.dataOffset(expected: 0, found: offset)))
    }
    #expect(
      try await lost { $0.sendDataIn($1, .pattern(1028)) }
        == violation(.dataBeyondTransfer(offset: 0, length: 1028, expected: 1024)))
    #expect(
      try await lost { harness, task in
        harness.sendDataIn(task, .pattern(512), status: nil)
        harness.sendDataIn(task, .pattern(512), offset: 0, dataSN: 1)
      } == violation(.dataOffset(expected: 512, found: 0)))
  }

  /// Neither GOOD nor a status that counts as success makes bytes that never came.
  @Test(
    "H22: that leaves bytes out of a success never gets the page's old ones to a caller",
    arguments: [SCSIStatus.good, .conditionMet, .checkCondition])
  func missingBytes(status: SCSIStatus) throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 1024)
    for _ in 0..<6 {
      let task = try harness.command().view.header.initiatorTaskTag
      harness.sendDataIn(task, .pattern(512), status: nil)
      // RECOVERED ERROR is a success.
      harness.sendResponse(
        task, status, sense: status == .checkCondition ? .sense(0x1, 0x17, 0x01) : [])
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("H23: that sends data for a write, or asks a read for some, loses the session")
  func wrongDirection() async throws {
    var task = InitiatorTaskTag.reserved
    let data = try await lost(reading: false) {
      task = $1
      $0.sendDataIn($1, .pattern(512))
    }
    #expect(data == violation(.unexpectedForTask(.dataIn, task)))
    let asked = try await lost {
      task = $1
      $0.sendR2T($1, transferTag: 1, r2tSN: 0, offset: 0, length: 512)
    }
    #expect(asked == violation(.unexpectedForTask(.readyToTransfer, task)))
  }

  @Test("H24: that claims overflow and underflow at once loses the session")
  func contradictoryResidual() async throws {
    #expect(
      try await lost { harness, task in
        var header = SCSIResponse(
          initiatorTaskTag: task, status: .good, statSN: harness.nextStatSN(),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header
        header.flags = 0x86
        harness.send(header)
      } == violation(.contradictoryResidual(flags: 0x86)))
  }

  @Test("H24, H25: whose residual lies either way never gets bytes to a caller")
  func lyingResidual() throws {
    for residual in [Residual.underflow(512), .underflow(0xFFFF_FFFF), .overflow(1)] {
      let harness = try ReactorHarness()
      let unique = harness.read(offset: 0, size: 1024)
      for _ in 0..<6 {
        let task = try harness.command().view.header.initiatorTaskTag
        harness.sendDataIn(task, .pattern(1024), residual: residual)
      }
      #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
    }
  }

  @Test("H26, H27: whose R2T asks for what is not there, or too much, loses the session")
  func transferRange() async throws {
    for (offset, length): (UInt32, UInt32) in [
      (16_384, 512), (8192, 8193), (0xFFFF_FFFF, 512), (8192, 0), (8192, 0xFFFF_FFFF),
    ] {
      #expect(
        try await lost(reading: false) {
          $0.sendR2T($1, transferTag: 1, r2tSN: 0, offset: offset, length: length)
        } == violation(.transferRange(offset: offset, length: length, expected: 16_384)))
    }
  }

  @Test("H29: whose R2T asks again for what was sent loses the session")
  func overlappingReadyToTransfer() async throws {
    #expect(
      try await lost(reading: false) {
        $0.sendR2T($1, transferTag: 1, r2tSN: 0, offset: 4096, length: 8192)
      } == violation(.transferRange(offset: 4096, length: 8192, expected: 16_384)))
  }

  @Test("H29: whose R2T has the reserved tag, or comes after the status, loses the session")
  func lateReadyToTransfer() async throws {
    #expect(
      try await lost(reading: false) {
        $0.sendR2T($1, transferTag: 0xFFFF_FFFF, r2tSN: 0, offset: 8192, length: 512)
      } == violation(.reservedTransferTag(.readyToTransfer)))
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512))
    let task = try harness.command().view.header.initiatorTaskTag
    harness.sendResponse(task)
    harness.sendR2T(task, transferTag: 1, r2tSN: 0, offset: 0, length: 512)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
    #expect(await harness.events() == violation(.unknownTask(.readyToTransfer, task)))
  }

  @Test("P1: that answers GOOD before it has asked for all bytes has not written them")
  func earlyGood() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(16_384))
    for _ in 0..<6 {
      let command = try harness.command()
      #expect(command.unit.data.count == 8192)
      harness.sendResponse(command.view.header.initiatorTaskTag)
    }
    #expect(harness.reply() == .init(unique: unique, error: -EIO, payload: []))
  }

  @Test("H62: that floods us with pings loses the session, after bounded answers")
  func pingFlood() async throws {
    let harness = try ReactorHarness()
    let ping = ProtocolDataUnit(
      header: NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 1), statSN: SerialNumber(rawValue: 100),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header
    ).encoded()
    let capacity = IOLimits().transmitEntries
    harness.send([UInt8]((0..<1000).map { _ in ping }.joined()))
    // None of them leaves any more: the connection is over.
    #expect(harness.sessionState == .lost && harness.isAllSent)
    #expect(await harness.events() == violation(.tooManyToAnswer(.nopIn, limit: capacity)))
  }

  @Test("F31, H62: pings as many at once as there is room for are all answered, and I/O goes on")
  func manyPings() throws {
    let harness = try ReactorHarness()
    let burst = 200
    for round in 0..<50 {
      let unique = harness.read(offset: 0, size: 512)
      let task = try harness.command().view.header.initiatorTaskTag
      let pings = (0..<burst).flatMap { number in
        ProtocolDataUnit(
          header: NOPIn(
            targetTransferTag: TargetTransferTag(rawValue: UInt32(round * burst + number)),
            statSN: harness.comingStatSN, expCmdSN: harness.window.exp,
            maxCmdSN: harness.window.max
          ).header, data: .pattern(number % 8)
        ).encoded()
      }
      harness.send(pings)
      harness.sendDataIn(task, .pattern(512))
      #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
      for number in 0..<burst {
        let answer = try #require(try harness.sent())
        #expect(answer.header.opcode == .nopOut && answer.data.isEmpty)
        #expect(answer.header.targetTransferTag.rawValue == UInt32(round * burst + number))
      }
      #expect(try harness.sent() == nil)
    }
    #expect(harness.sessionState == .up)
  }

  /// 960 KiB of them, to a write that may have four outstanding; a target that may ask again may
  /// have as many as are kept.
  @Test(
    "H28: a flood of 20,000 R2Ts ends with the first too many; the write is whole after it",
    arguments: [(level: 0, limit: 4), (1, 64)])
  func readyToTransferFlood(level: UInt32, limit: UInt32) async throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    parameters.maxOutstandingR2T = 4
    parameters.errorRecoveryLevel = level
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(131_072)
    let unique = harness.write(offset: 0, payload)
    let task = try harness.command().view.header.initiatorTaskTag
    var number: UInt32 = 0
    for _ in 0..<20 {
      let flood = (0..<1000).flatMap { _ -> [UInt8] in
        defer { number += 1 }
        return ProtocolDataUnit(
          header: harness.readyToTransfer(
            task, transferTag: number, r2tSN: number, offset: number % 256 * 512, length: 512)
        ).encoded()
      }
      // A connection that is over takes none of them.
      _ = unsafe Glibc.send(harness.target, flood, flood.count, CInt(MSG_NOSIGNAL))
      harness.turn()
    }
    #expect(harness.sessionState == .lost && harness.busySlots == 1)
    #expect(harness.reply() == nil)
    try harness.reconnect()
    let again = try harness.command().view.header.initiatorTaskTag
    for offset in stride(from: UInt32(0), to: 131_072, by: 65_536) {
      harness.sendR2T(
        again, transferTag: 1, r2tSN: offset / 65_536, offset: offset, length: 65_536)
    }
    var received: [UInt8] = []
    while let unit = try harness.sent() { received += unit.data }
    harness.sendResponse(again)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(131_072)))
    #expect(received == payload)
    #expect(await harness.events() == violation(.tooManyReadyToTransfer(limit: limit)))
  }

  @Test(
    "H61: a Logout that is not answered, or under another's tag, ends in time all the same",
    arguments: [nil, 0x0001_0000, 0xFFFF_FFFF] as [UInt32?])
  func unansweredLogout(tag: UInt32?) async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    try await harness.told(
      { .logout(ReactorHarness.session, $0) },
      meanwhile: {
        guard try harness.sent()?.header.opcode == .logoutRequest else {
          throw ReactorHarness.HarnessError.nothingArrived
        }
        if let tag {
          harness.send(
            LogoutResponse(
              response: .closed, initiatorTaskTag: InitiatorTaskTag(rawValue: tag),
              statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
              maxCmdSN: harness.window.max
            ).header)
        } else {
          harness.advance(milliseconds: 14_999)
          #expect(harness.sessionState == .loggingOut)
          harness.advance(milliseconds: 1)
        }
      })
    #expect(harness.sessionState == .free)
    #expect(harness.reply() == .init(unique: unique, error: -ENOTCONN, payload: []))
    #expect(harness.busySlots == 0)
    var byte: UInt8 = 0
    #expect(unsafe recv(harness.target, &byte, 1, CInt(MSG_DONTWAIT)) == 0)
  }

  @Test("H61: a Logout the target asked for and does not answer is a loss, from which we come back")
  func unansweredLogoutRequest() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let unique = harness.read(offset: 0, size: 512)
    _ = try harness.command()
    harness.sendAsync(.logoutRequested)
    #expect(try harness.sent()?.header.opcode == .logoutRequest)
    harness.advance(milliseconds: 15_000)
    #expect(harness.sessionState == .lost)
    try harness.reconnect()
    harness.sendDataIn(try harness.command().view.header.initiatorTaskTag, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)))
    #expect(
      await harness.losses() == [.requestedByTarget(time2WaitSeconds: 0)])
  }

  @Test("H01, H03: that sends too long a segment, or an initiator's opcode, loses the session")
  func framing() async throws {
    let tooLong = try await lost { harness, _ in
      var header = BasicHeaderSegment(opcode: .dataIn)
      header.dataSegmentLength = 8193
      harness.send(
        (0..<6).reduce(into: [UInt8]()) { bytes, word in
          let words = [
            header.word0, header.word1, header.word2, header.word3, header.word4, header.word5,
          ]
          bytes.appendBigEndian(words[word])
        })
    }
    #expect(
      tooLong == [
        .sessionLost(
          ReactorHarness.session,
          .malformed(.dataSegmentTooLong(opcode: .dataIn, length: 8193, limit: 8192)))
      ])
    for opcode in [Opcode.scsiCommand, .loginResponse] {
      #expect(
        try await lost { harness, _ in harness.send(BasicHeaderSegment(opcode: opcode)) }
          == violation(.unexpectedOpcode(opcode)))
    }
  }

  /// 48 are a header; with fewer none of ours can have been meant, whatever the reason.
  @Test(
    "H63: that rejects a PDU with so many bytes of it loses the session",
    arguments: [0, 1, 47, 48, 49, 8192, 65_535])
  func reject(length: Int) async throws {
    for reason in [Reject.Reason.protocolError, .commandNotSupported, .dataDigestError] {
      var parameters = NegotiatedParameters()
      parameters.maxRecvDataSegmentLength = 65_536
      let harness = try ReactorHarness(parameters: parameters)
      _ = harness.read(offset: 0, size: 1024)
      _ = try harness.command()
      harness.send(
        Reject(
          reason: reason, statSN: harness.nextStatSN(), expCmdSN: harness.window.exp,
          maxCmdSN: harness.window.max
        ).header, data: [UInt8](repeating: 0x01, count: length))
      #expect(harness.reply() == nil)
      #expect(await harness.events() == violation(.rejected(reason: reason.rawValue)))
    }
  }

  @Test("H68: that sends every PDU twice gets its tasks done or loses the session, never a trap")
  func everythingTwice() async throws {
    func twice(
      reading: Bool = true, _ make: (ReactorHarness, InitiatorTaskTag) -> BasicHeaderSegment
    ) async throws -> [SessionFailure] {
      let harness = try ReactorHarness()
      if reading {
        _ = harness.read(offset: 0, size: 1024)
      } else {
        _ = harness.write(offset: 0, .pattern(16_384))
      }
      let task = try harness.command().view.header.initiatorTaskTag
      let bytes = ProtocolDataUnit(header: make(harness, task)).encoded()
      harness.send(bytes + bytes)
      return await harness.losses()
    }
    let (exp, max) = (SerialNumber(rawValue: 50), SerialNumber(rawValue: 1000))
    let dataIn = try await twice {
      DataIn(
        initiatorTaskTag: $1, isFinal: false, expCmdSN: exp, maxCmdSN: max, dataSN: 0,
        bufferOffset: 0
      ).header
    }
    #expect(dataIn == [.violation(.dataSN(expected: 1, found: 0))])
    let readyToTransfer = try await twice(reading: false) {
      $0.readyToTransfer($1, transferTag: 1, r2tSN: 0, offset: 8192, length: 512)
    }
    #expect(readyToTransfer == [.violation(.r2tSN(expected: 1, found: 0))])
    let message = try await twice { harness, _ in harness.async(.scsiAsyncEvent) }
    #expect(message == [.violation(.statSN(expected: 101, found: 100))])
    var ended = InitiatorTaskTag.reserved
    let response = try await twice { harness, task in
      ended = task
      return SCSIResponse(
        initiatorTaskTag: task, status: .reservationConflict, statSN: harness.nextStatSN(),
        expCmdSN: exp, maxCmdSN: max
      ).header
    }
    #expect(response == [.violation(.unknownTask(.scsiResponse, ended))])
    let ping = try await twice { harness, _ in
      NOPIn(
        targetTransferTag: TargetTransferTag(rawValue: 1), statSN: harness.comingStatSN,
        expCmdSN: exp, maxCmdSN: max
      ).header
    }
    #expect(ping == [])
  }

  @Test("that shrinks a unit under a read-modify-write gets its caller ENOSPC, not a crash")
  func shrinks() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 8191 * 512 + 1, [1])
    let read = try harness.command().view.header.initiatorTaskTag
    try harness.expose(lastBlock: 100)
    harness.sendDataIn(read, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: -ENOSPC, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("that changes a unit's block length under a read-modify-write gets its caller ESTALE")
  func changesBlockLength() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 1, [1])
    let read = try harness.command().view.header.initiatorTaskTag
    try harness.expose(blockLength: 4096, lastBlock: 100)
    harness.sendDataIn(read, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: -ESTALE, payload: []))
    #expect(try harness.sent() == nil)
  }
}
