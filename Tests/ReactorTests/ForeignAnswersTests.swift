import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

/// Somebody in the way, or another target's bytes: what is found out, and what only digests find.
@Suite("Answers from elsewhere", .bothChannels, .timeLimit(.minutes(5)))
struct ForeignAnswersTests {
  private func dataIn(
    _ harness: ReactorHarness, _ task: InitiatorTaskTag, _ payload: [UInt8]
  ) -> [UInt8] {
    ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: payload
    ).encoded(
      headerDigest: harness.parameters.headerDigest, dataDigest: harness.parameters.dataDigest)
  }

  /// A good target from here on, over as many connections as it takes: the last answer.
  private func serve(_ harness: ReactorHarness, _ payload: [UInt8]) throws -> ReactorHarness.Reply?
  {
    for _ in 0..<20 {
      if let reply = harness.reply() { return reply }
      guard harness.sessionState == .up else {
        try harness.reconnect()
        continue
      }
      if let unit = try harness.sent() {
        if unit.header.opcode == .scsiCommand {
          harness.send(dataIn(harness, unit.header.initiatorTaskTag, payload))
        }
      } else {
        // It waits for what will not come: the connection is given up in time.
        harness.advance(milliseconds: 30_000)
      }
    }
    return harness.reply()
  }

  @Test("H69 an answer of another session's target has another's tag, and loses the session")
  func otherTarget() async throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag.rawValue
    // Another slot's, and this slot's of another time, each sent in place of the answer.
    let foreign = [task ^ 1, task ^ 0x7FFF_0000, task ^ 0x8000_0000]
    for tag in foreign {
      harness.send(dataIn(harness, InitiatorTaskTag(rawValue: tag), .pattern(512, from: 99)))
      #expect(harness.reply() == nil)
      try harness.reconnect()
      _ = try harness.command()
    }
    let expected = foreign.map { tag in
      SessionFailure.violation(.unknownTask(.dataIn, InitiatorTaskTag(rawValue: tag)))
    }
    #expect(await harness.losses() == expected)
  }

  @Test("H69 an answer on another connection than its command's is nobody's")
  func otherConnection() async throws {
    let harness = try ReactorHarness()
    let other = try FurtherConnection(harness)
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    other.sendDataIn(task, .pattern(512, from: 99))
    #expect(harness.reply() == nil)
    #expect(await harness.losses() == [.violation(.unknownTask(.dataIn, task))])
  }

  /// Numbers, tags, lengths and offsets say the same thing more than once. A status alone, a CDB or
  /// a LUN does not: those only a header's digest holds. The PDU is the same on both channels.
  @Test(
    "H69 any one flipped bit of a Data-In's header, without digests, gives nobody wrong bytes",
    .only(.device))
  func headerBits() throws {
    let payload = [UInt8].pattern(512)
    for bit in 0..<(48 * 8) {
      let harness = try ReactorHarness()
      let unique = harness.read(offset: 0, size: 512)
      var bytes = dataIn(harness, try harness.command().view.header.initiatorTaskTag, payload)
      bytes[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      harness.send(bytes)
      let reply = try serve(harness, payload)
      #expect(reply?.unique == unique, "byte \(bit / 8), bit \(bit % 8)")
      #expect(
        reply?.payload == (reply?.error == 0 ? payload : []), "byte \(bit / 8), bit \(bit % 8)")
    }
  }

  /// TCP's checksum is all there is then: a known limit, which `DataDigest = CRC32C` takes away.
  @Test("H69 a flipped bit of data is passed on without digests, and found with them")
  func dataBits() async throws {
    let payload = [UInt8].pattern(512)
    for bit in stride(from: 0, to: 512 * 8, by: 97) {
      for hasDigest in [false, true] {
        var parameters = NegotiatedParameters()
        parameters.dataDigest = hasDigest
        let harness = try ReactorHarness(parameters: parameters)
        let unique = harness.read(offset: 0, size: 512)
        var bytes = dataIn(harness, try harness.command().view.header.initiatorTaskTag, payload)
        bytes[48 + bit / 8] ^= 0x80 >> UInt8(bit % 8)
        harness.send(bytes)
        let expected = hasDigest ? payload : Array(bytes[48..<560])
        let reply = try serve(harness, payload)
        #expect(reply == .init(unique: unique, error: 0, payload: expected))
        let losses = await harness.losses()
        #expect(losses.count == (hasDigest ? 1 : 0))
      }
    }
  }
}
