import Glibc
import ISCSI
import LinuxIO
import SCSI
import SystemPackage
import Testing
import Wire

@testable import Reactor

/// What TCP may do to a connection, at any point of a read and a write, over sockets made as the
/// control plane makes them.
@Suite("A stream that breaks", .bothChannels, .timeLimit(.minutes(5)))
struct BrokenStreamTests {
  /// The target's bytes for a read in four PDUs and a write of two bursts, each PDU in thirds.
  private func script(
    _ harness: ReactorHarness, _ reading: InitiatorTaskTag, _ writing: InitiatorTaskTag
  ) -> [[UInt8]] {
    let (exp, max) = harness.window
    func dataIn(_ number: UInt32, isLast: Bool = false) -> ProtocolDataUnit {
      ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: reading, isFinal: isLast,
          status: isLast ? (.good, harness.nextStatSN(), .none) : nil, expCmdSN: exp,
          maxCmdSN: max, dataSN: number, bufferOffset: number * 512
        ).header, data: .pattern(512, from: Int(number) * 512))
    }
    func r2t(_ number: UInt32) -> ProtocolDataUnit {
      ProtocolDataUnit(
        header: harness.readyToTransfer(
          writing, transferTag: number + 1, r2tSN: number, offset: number * 512, length: 512))
    }
    let async = AsyncMessage(
      event: .scsiAsyncEvent, statSN: harness.nextStatSN(), expCmdSN: exp, maxCmdSN: max)
    let first = [dataIn(0), r2t(0), dataIn(1), ProtocolDataUnit(header: async.header), dataIn(2)]
    let ping = NOPIn(
      targetTransferTag: TargetTransferTag(rawValue: 9), statSN: harness.comingStatSN,
      expCmdSN: exp, maxCmdSN: max)
    let second = [ProtocolDataUnit(header: ping.header), r2t(1), dataIn(3, isLast: true)]
    let response = SCSIResponse(
      initiatorTaskTag: writing, status: .good, statSN: harness.nextStatSN(), expCmdSN: exp,
      maxCmdSN: max)
    let units = first + second + [ProtocolDataUnit(header: response.header)]
    return units.flatMap { unit -> [[UInt8]] in
      let bytes = unit.encoded()
      let (third, rest) = (bytes.count / 3, bytes.count * 2 / 3)
      return [Array(bytes[..<third]), Array(bytes[third..<rest]), Array(bytes[rest...])]
    }
  }
  private static let pieceCount = 27

  private func harness() throws -> ReactorHarness {
    var parameters = NegotiatedParameters()
    parameters.immediateData = false
    let harness = try ReactorHarness(parameters: parameters)
    try harness.closeTarget()
    try harness.reconnectByTCP()
    return harness
  }

  /// Begins both and plays the target up to a point; returns what is left of its bytes.
  private func play(
    _ harness: ReactorHarness, upTo point: Int
  ) throws -> (uniques: Set<UInt64>, rest: [[UInt8]]) {
    let read = harness.read(offset: 0, size: 2048)
    let write = harness.write(offset: 4096, .pattern(1024))
    let reading = try harness.nextCommand().header.initiatorTaskTag
    let writing = try harness.nextCommand().header.initiatorTaskTag
    let pieces = script(harness, reading, writing)
    #expect(pieces.count == Self.pieceCount)
    for piece in pieces[..<point] { harness.arrive(piece) }
    return ([read, write], Array(pieces[point...]))
  }

  /// Takes the answers that are there; each is whole and right.
  private func take(_ harness: ReactorHarness, from waiting: inout Set<UInt64>) {
    while let reply = harness.reply() { check(reply, &waiting) }
  }

  private func check(_ reply: ReactorHarness.Reply?, _ waiting: inout Set<UInt64>) {
    #expect(reply?.payload == .accepted(1024) || reply?.payload == .pattern(2048))
    #expect(reply.flatMap { waiting.remove($0.unique) } != nil)
  }

  /// Brings the session back and plays a target that answers at once all that is sent again.
  private func finish(_ harness: ReactorHarness, _ waiting: inout Set<UInt64>) throws {
    #expect(harness.sessionState == .lost)
    try harness.reconnectByTCP()
    for _ in 0..<waiting.count {
      let command = try harness.nextCommand()
      let task = command.header.initiatorTaskTag
      if SCSICommand(command.header).isRead {
        harness.sendDataIn(task, .pattern(2048))
      } else {
        harness.sendR2T(task, transferTag: 1, r2tSN: 0, offset: 0, length: 1024)
        #expect(try harness.nextUnit().data == .pattern(1024))
        harness.sendResponse(task)
      }
      check(harness.nextReply(), &waiting)
    }
    #expect(waiting.isEmpty && harness.busySlots == 0)
  }

  @Test("H66 a reset at any point is one loss, and nobody's data")
  func reset() async throws {
    for point in 0...Self.pieceCount {
      let harness = try harness()
      var (waiting, _) = try play(harness, upTo: point)
      try harness.resetTarget()
      take(harness, from: &waiting)
      try finish(harness, &waiting)
      let losses = await harness.losses()
      #expect(losses.last == .socket(.connectionReset), "point \(point): \(losses)")
      #expect(losses.count == 2)
    }
  }

  @Test("E26: a target that was booted anew without a word is found out by our ping")
  func halfOpen() async throws {
    let harness = try harness()
    _ = harness.read(offset: 0, size: 2048)
    _ = try harness.nextCommand()
    harness.advance(milliseconds: 5_000)
    #expect(try harness.nextUnit().header.opcode == .nopOut)
    // Its kernel knows no such connection.
    try harness.resetTarget()
    harness.turn()
    #expect(harness.sessionState == .lost && harness.busySlots == 1)
    #expect(await harness.losses().last == .socket(.connectionReset))
  }

  @Test("H66 a target that sends no more and reads on is left at any point")
  func sendingEnded() async throws {
    for point in 0...Self.pieceCount {
      let harness = try harness()
      var (waiting, _) = try play(harness, upTo: point)
      shutdown(harness.target, CInt(SHUT_WR))
      harness.settle()
      take(harness, from: &waiting)
      // Our end is reset: what has not left is nobody's.
      #expect(harness.readToEnd().error == ECONNRESET)
      try finish(harness, &waiting)
      let losses = await harness.losses()
      #expect(losses.last == .connectionClosed, "point \(point): \(losses)")
      #expect(losses.count == 2)
    }
  }

  @Test("H66 a target that reads no more is heard to its last byte, then missed and left")
  func receivingEnded() async throws {
    for point in 0...Self.pieceCount {
      let harness = try harness()
      var (waiting, rest) = try play(harness, upTo: point)
      shutdown(harness.target, CInt(SHUT_RD))
      for piece in rest { harness.arrive(piece) }
      take(harness, from: &waiting)
      #expect(waiting.isEmpty && harness.sessionState == .up)
      waiting.insert(harness.read(offset: 0, size: 2048))
      harness.advance(milliseconds: 5_000)
      #expect(harness.sessionState == .up)
      harness.advance(milliseconds: 5_000)
      try finish(harness, &waiting)
      let losses = await harness.losses()
      guard case .pingTimedOut? = losses.last, losses.count == 2 else {
        Issue.record("point \(point): \(losses)")
        continue
      }
    }
  }

  @Test("H66 a reset while our bytes wait for room loses none of them")
  func resetWhileSending() async throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    try harness.closeTarget()
    try harness.reconnectByTCP(bufferByteCount: 16_384)
    harness.fillTransmitQueue()
    try harness.resetTarget()
    #expect(harness.sessionState == .lost && harness.reply() == nil)
    try harness.reconnectByTCP()
    var bytes: [InitiatorTaskTag: [UInt8]] = [:]
    let payload = [UInt8].pattern(1 << 17)
    while bytes.count < 10 || bytes.values.contains(where: { $0.count < payload.count }) {
      let unit = try harness.nextUnit()
      bytes[unit.header.initiatorTaskTag, default: []] += unit.data
    }
    #expect(bytes.values.allSatisfy { $0 == payload })
    for task in bytes.keys {
      harness.sendResponse(task)
      #expect(harness.nextReply()?.payload == .accepted(1 << 17))
    }
  }

  @Test("H66 urgent data are bytes of the stream, whichever byte is marked")
  func urgentData() throws {
    let harness = try harness()
    for end in 1...560 {
      let unique = harness.read(offset: 0, size: 512)
      let task = try harness.nextCommand().header.initiatorTaskTag
      let bytes = ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
        ).header, data: .pattern(512)
      ).encoded()
      harness.arrive(Array(bytes[..<end]), isUrgent: true)
      if end < bytes.count { harness.arrive(Array(bytes[end...])) }
      guard harness.reply() == .init(unique: unique, error: 0, payload: .pattern(512)) else {
        Issue.record("byte \(end)")
        return
      }
    }
    #expect(harness.sessionState == .up)
  }

  /// The ring tells once of the bytes before the mark and of those behind it.
  @Test(
    "H66 what lies behind urgent data is read soon where a ring does not tell of it",
    .only(.ring), .enabled(if: (try? CompletionRing.check()) != nil))
  func urgentDataByRing() throws {
    let harness = try harness()
    let pings = (1...2).flatMap { tag in
      ProtocolDataUnit(
        header: NOPIn(
          targetTransferTag: TargetTransferTag(rawValue: tag), statSN: harness.comingStatSN,
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
        ).header
      ).encoded()
    }
    harness.put(Array(pings[..<30]), isUrgent: true)
    harness.put(Array(pings[30...]))
    let isOpen = harness.reactor.openRing()
    try #require(isOpen)
    harness.reactor.registerRing()
    // The reactor's own clock: it looks again after 20 ms.
    for _ in 0..<100 {
      harness.turnByRing()
      usleep(1_000)
    }
    for tag: UInt32 in 1...2 {
      #expect(try harness.nextUnit().header.targetTransferTag.rawValue == tag)
    }
  }
}
