import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Commands of the control plane", .timeLimit(.minutes(5)))
struct ControlTaskTests {
  private func inquiry(timeoutMilliseconds: UInt64 = 15_000) -> ControlTask {
    ControlTask(
      session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1), cdb: .testUnitReady,
      dataInCapacity: 255, timeoutMilliseconds: timeoutMilliseconds)
  }

  @Test("F24: return what was read, without what the residual says is not there")
  func underflow() async throws {
    let harness = try ReactorHarness()
    let task = inquiry()
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        let command = try harness.command().view
        #expect(command.expectedDataTransferLength == 255)
        harness.sendDataIn(
          command.header.initiatorTaskTag, .pattern(36), residual: .underflow(219))
      })
    #expect(try result.get() == .init(status: .good, data: .pattern(36), sense: []))
  }

  /// Other units' commands wait for the first answer: a target with many LUNs, which answers none,
  /// must not have every place there is.
  @Test("that meet ACA ACTIVE have it cleared, one request at a time for a session")
  func contingentAllegiance() async throws {
    let harness = try ReactorHarness()
    for lun in [1, 2] as [UInt16] {
      let task = ControlTask(
        session: ReactorHarness.session, lun: LogicalUnitNumber(number: lun), cdb: .testUnitReady,
        dataInCapacity: 0, timeoutMilliseconds: 15_000)
      let result = try await harness.told(
        { .execute(task, $0) },
        meanwhile: {
          harness.sendResponse(try harness.command().view.header.initiatorTaskTag, .acaActive)
          let next = try harness.sent()
          #expect((next == nil) == (lun == 2))
          guard let next else { return }
          let request = TaskManagementRequest(next.header)
          #expect(request.function == .clearACA && request.header.word1 == 1 << 48)
        })
      #expect(try result.get() == .init(status: .acaActive, data: [], sense: []))
    }
  }

  @Test("F24: take what fits of an answer that would be longer")
  func overflow() async throws {
    let harness = try ReactorHarness()
    let task = inquiry()
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        let command = try harness.command().view
        harness.sendDataIn(
          command.header.initiatorTaskTag, .pattern(255), residual: .overflow(45))
      })
    #expect(try result.get() == .init(status: .good, data: .pattern(255), sense: []))
  }

  @Test("F16.1.2: a CDB of 32 bytes goes on in the additional header", arguments: [false, true])
  func extendedCDB(digests: Bool) async throws {
    var parameters = NegotiatedParameters()
    parameters.headerDigest = digests
    let harness = try ReactorHarness(parameters: parameters)
    let rest = [UInt8].pattern(16)
    let task = ControlTask(
      session: ReactorHarness.session, lun: LogicalUnitNumber(number: 1),
      cdb: CommandDescriptorBlock(first: 0x7F << 56 | 0x18, second: 5, length: 16),
      extendedCDB: rest, dataInCapacity: 0)
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        // Whose header digest is wrong, the assembler does not give out.
        let unit = try #require(try harness.sent())
        #expect(unit.header.totalAHSLength == 5 && unit.header.dataSegmentLength == 0)
        #expect(unit.additionalHeader == [0, 17, 1, 0] + rest)
        #expect(unit.header.word4 == 0x7F << 56 | 0x18 && unit.header.word5 == 5)
        harness.sendResponse(unit.header.initiatorTaskTag)
        harness.stopIfUnanswered()
      })
    #expect(try result.get().status == .good)
    #expect(harness.busySlots == 0)
    _ = harness.read(offset: 0, size: 512)
    #expect(try harness.command().unit.additionalHeader.isEmpty)
  }

  @Test("return every status with its sense data; nothing is tried again")
  func checkCondition() async throws {
    let harness = try ReactorHarness()
    let task = inquiry()
    let sense = [UInt8].sense(0x6, 0x29, 0)
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        harness.sendResponse(
          try harness.command().view.header.initiatorTaskTag, .checkCondition, sense: sense)
      })
    #expect(try result.get() == .init(status: .checkCondition, data: [], sense: sense))
    #expect(try harness.sent() == nil)
  }

  @Test("end with a lost session, and are refused while it is lost")
  func lostSession() async throws {
    let harness = try ReactorHarness()
    let task = inquiry()
    let lost = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        _ = try harness.command()
        try harness.closeTarget()
        harness.stopIfUnanswered()
      })
    #expect(lost == .failure(.sessionLost))
    let refused = try await harness.told(
      { .execute(task, $0) }, meanwhile: { harness.stopIfUnanswered() })
    #expect(refused == .failure(.notConnected))
    try harness.reconnect()
    #expect(try harness.sent() == nil)
  }

  @Test("time out by their own clock, on time, and leave their slot to the late answer")
  func timesOut() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let task = inquiry(timeoutMilliseconds: 100)
    let result = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        #expect(harness.sleep == 100)
        harness.advance(milliseconds: 100)
        harness.stopIfUnanswered()
      })
    #expect(result == .failure(.timedOut))
    #expect(harness.busySlots == 1)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.busySlots == 0)
  }

  @Test("never answered at all end the session, so that their slots come back")
  func abandoned() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let task = inquiry(timeoutMilliseconds: 100)
    _ = try await harness.told(
      { .execute(task, $0) }, meanwhile: { harness.advance(milliseconds: 100) })
    for wait: UInt64 in [30_000, 15_000, 30_000] { harness.advance(milliseconds: wait) }
    #expect(harness.busySlots == 0)
    #expect(await harness.losses() == [.commandTimedOut])
  }

  @Test("more than there are slots are refused as busy")
  func busy() async throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(pingIntervalMilliseconds: 0))
    let task = inquiry()
    _ = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        harness.advance(milliseconds: 15_000)
      })
    _ = try await harness.told(
      { .execute(task, $0) },
      meanwhile: {
        harness.advance(milliseconds: 15_000)
      })
    let refused = try await harness.told({ .execute(task, $0) }, meanwhile: {})
    #expect(refused == .failure(.busy))
  }
}

extension ReactorHarness {
  /// Ends the reactor when a control task is still waited for, so that a failing test ends.
  func stopIfUnanswered() {
    for index in 0..<reactor.controlContinuations.count
    where reactor.controlContinuations[index] != nil && reactor.isRunning {
      Issue.record("a control task was not answered")
      stop()
    }
  }
}
