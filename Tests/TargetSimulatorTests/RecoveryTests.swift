import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

/// RFC 7143, 7.8 and 11.16, on the target's side.
@Suite("Recovery within a connection")
struct RecoveryTests {
  private static let keys = [
    ("ErrorRecoveryLevel", "1"), ("MaxRecvDataSegmentLength", "512"), ("InitialR2T", "No"),
    ("FirstBurstLength", "1024"), ("MaxBurstLength", "1024"),
  ]

  private func loggedIn(
    _ change: (inout TargetParameters) -> Void = { _ in }
  ) throws -> HandInitiator {
    var initiator = HandInitiator(
      Fixture.portal {
        $0.errorRecoveryLevel = 1
        change(&$0)
      })
    let answer = try initiator.login(Fixture.name, keys: Self.keys)
    #expect(answer.text["ErrorRecoveryLevel"] == "1")
    return initiator
  }

  private func snack(
    _ kind: SNACKRequest.Kind, task: UInt32 = .max, tag: UInt32 = .max, lun: UInt64 = 0,
    expStatSN: UInt32 = 2, _ begRun: UInt32, _ runLength: UInt32
  ) -> BasicHeaderSegment {
    SNACKRequest(
      kind: kind, lun: lun, initiatorTaskTag: InitiatorTaskTag(rawValue: task),
      targetTransferTag: TargetTransferTag(rawValue: tag),
      expStatSN: SerialNumber(rawValue: expStatSN), begRun: begRun, runLength: runLength
    ).header
  }

  @Test("Data-In are sent again as they were, until their status is acknowledged")
  func dataAgain() throws {
    var initiator = try loggedIn()
    let units = try initiator.command(Fixture.read10(0, 4), read: 2048)
    #expect(units.count == 4)
    let task = initiator.tag
    #expect(try initiator.exchange(snack(.dataOrR2T, task: task, 1, 2)) == Array(units[1...2]))
    #expect(try initiator.exchange(snack(.dataOrR2T, task: task, 2, 0)) == Array(units[2...]))
    #expect(try initiator.exchange(snack(.dataOrR2T, task: task, 0, 0)) == units)
    #expect(try initiator.exchange(snack(.status, 2, 1)) == [units[3]])
    #expect(try initiator.exchange(snack(.status, 0, 0)) == [units[3]])
    let none = try initiator.exchange(snack(.dataOrR2T, task: task, 3, 2))
    #expect(Reject(none[0].header).reason == .protocolError)
    let gone = try initiator.exchange(snack(.dataOrR2T, task: task, expStatSN: 4, 0, 0))
    #expect(Reject(gone[0].header).reason == .protocolError)
  }

  @Test("the A bit ends a burst, and its DataACK frees what came before")
  func acknowledgement() throws {
    var initiator = try loggedIn { $0.asksForDataAcknowledgement = true }
    let units = try initiator.command(Fixture.read10(0, 4), read: 2048)
    #expect(units.map { DataIn($0.header).requestsAcknowledgement } == [false, true, false, true])
    let tag = units[1].header.targetTransferTag.rawValue
    #expect(tag != .max)
    #expect(try initiator.exchange(snack(.dataACK, tag: tag, 2, 0)).isEmpty)
    let again = try initiator.exchange(snack(.dataOrR2T, task: initiator.tag, 0, 0))
    #expect(again == Array(units[2...]))
    let wrong = try initiator.exchange(snack(.dataACK, tag: 4711, 2, 0))
    #expect(Reject(wrong[0].header).reason == .invalidDataACK)
  }

  @Test("a command that arrives damaged is rejected and leaves a hole; data are asked for again")
  func damaged() throws {
    var initiator = try loggedIn()
    initiator.connection.faults = [
      DamagedIncomingFault(.nth(0, .scsiCommand)), DamagedIncomingFault(.nth(1, .dataOut)),
    ]
    let data = (0..<2048).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let rejected = try initiator.command(
      Fixture.write10(0, 4), write: 2048, immediate: Array(data[..<1024]))
    #expect(Reject(rejected[0].header).reason == .dataDigestError)
    initiator.cmdSN = SerialNumber(rawValue: initiator.cmdSN.rawValue - 1)
    initiator.tag -= 1
    let asked = try initiator.command(
      Fixture.write10(0, 4), write: 2048, immediate: Array(data[..<1024]))
    #expect(asked.map(\.header.opcode) == [.readyToTransfer])
    // The second of two segments is lost, and with it the end of the sequence.
    let lost = try initiator.answer(asked[0], with: data, segment: 512)
    #expect(lost.map(\.header.opcode) == [.reject, .readyToTransfer])
    let range = ReadyToTransfer(lost[1].header)
    #expect(range.bufferOffset == 1536 && range.desiredDataTransferLength == 512)
    #expect(range.r2tSN == 1)
    let response = try initiator.answer(lost[1], with: data)
    #expect(SCSIResponse(response[0].header).status == .good)
    #expect(SCSIResponse(response[0].header).expDataSN == 2)
    let read = try initiator.command(Fixture.read10(0, 4), read: 2048)
    #expect(read.flatMap(\.data) == data)
  }
}
