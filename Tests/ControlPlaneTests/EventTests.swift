import ISCSI
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// What `events` says: time, object, what happened.
@Suite("Events", .timeLimit(.minutes(5)))
struct EventTests {
  private static let target = "targets/\(Bench.targetName)"

  /// The next lines of a stream, without the time, which must be the bench's.
  private func next(_ count: Int, of stream: ByteStream) async throws -> [String] {
    var lines: [String] = []
    while lines.count < count {
      let bytes = try await stream.read(count: EventBoard.streamBytes, waits: true)
      // The rest stays for the next call.
      let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.startIndex
      let line = String(decoding: bytes[..<end], as: UTF8.self)
      stream.settle(taken: end + 1)
      #expect(line.hasPrefix("2025-11-26T10:15:14.042Z "))
      lines.append(String(line.dropFirst(25)))
    }
    return lines
  }

  @Test("tell of a login, its LUNs, a loss, the way back and a logout")
  func life() async throws {
    let bench = try Bench()
    let stream = try bench.initiator.events()
    try await bench.logIn()
    #expect(
      try await next(2, of: stream) == [
        "\(Self.target)/sessions/1 session up: 192.0.2.1:3260",
        "\(Self.target)/lun0 lun added: FAKE UNIT, 1048576 bytes",
      ])
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .connectionClosed))
    #expect(
      try await next(2, of: stream) == [
        "\(Self.target)/sessions/1 session lost: the target closed the connection",
        "\(Self.target)/sessions/1 session recovered: 192.0.2.1:3260 after 0.0 s, login 1",
      ])
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(
      try await next(1, of: stream) == ["\(Self.target)/sessions/1 session ended: logged out"])
  }

  @Test("tell of LUNs that grow and go, and of asynchronous messages")
  func units() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let stream = try bench.initiator.events()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { $0.units[.zero]?.blockCount = 4096 }
    bench.reactor.send(.unitAttention(session, .zero, .capacityDataHasChanged))
    #expect(
      try await next(1, of: stream) == ["\(Self.target)/lun0 lun resized: 1048576 to 2097152 bytes"]
    )
    bench.reactor.send(.asyncMessage(session, .negotiationRequested, .zero, nil))
    #expect(
      try await next(1, of: stream) == [
        "\(Self.target)/sessions/1 async message: negotiationRequested for LUN 0"
      ])
    bench.reactor.with { $0.units = [LogicalUnitNumber(number: 1): FakeLogicalUnit()] }
    try await bench.initiator.perform(.rescan, target: Bench.targetName)
    #expect(
      try await next(2, of: stream) == [
        "\(Self.target)/lun0 lun removed",
        "\(Self.target)/lun1 lun added: FAKE UNIT, 1048576 bytes",
      ])
  }

  @Test("tell why a call on a LUN's file failed, which the LUN keeps until its file is another's")
  func commandFailures() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let stream = try bench.initiator.events()
    let handle = try #require(bench.unit()?.handle)
    #expect(bench.unit()?.lastFailure == nil)
    let command = CommandDescriptorBlock.write16(lba: LogicalBlockAddress(8), blocks: 1)
    let full = CommandFailure(
      .ended(
        .spaceExhausted,
        SenseData(
          key: .dataProtect, additionalSense: AdditionalSense(code: 0x27, qualifier: 0x07))),
      of: command)
    bench.reactor.send(.commandFailed(handle, full))
    #expect(
      try await next(1, of: stream) == [
        "\(Self.target)/lun0 WRITE(16) at block 8: The target has no space left to allocate "
          + "(DATA PROTECT 27/07)"
      ])
    #expect(await bench.reaches { $0.unit()?.lastFailure == full })
    let late = CommandFailure(.unanswered, of: command)
    bench.reactor.send(.commandFailed(handle, late))
    #expect(await bench.reaches { $0.unit()?.lastFailure == late })
    // Of a file there is no more.
    bench.reactor.send(.commandFailed(LogicalUnitHandle(index: 77, generation: 1), full))
    try await bench.initiator.perform(.rescan, target: Bench.targetName)
    #expect(bench.unit()?.lastFailure == late)
    bench.reactor.with { $0.units[.zero]?.serial = "ANOTHER" }
    try await bench.initiator.perform(.rescan, target: Bench.targetName)
    #expect(bench.unit()?.handle != handle && bench.unit()?.lastFailure == nil)
  }

  @Test("tell of logins that failed and of discoveries")
  func failures() async throws {
    let bench = try Bench()
    let stream = try bench.initiator.events()
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused\u{1B}[2J"))))
    await #expect(throws: ControlError.self) { try await bench.logIn() }
    #expect(
      try await next(1, of: stream) == ["\(Self.target) login failed: 4 TRANS refused?[2J"])
    try await bench.initiator.perform(.discover(source: "192.0.2.1"))
    #expect(try await next(1, of: stream) == ["192.0.2.1:3260 discovery: 0 target(s)"])
  }

  @Test("are each open's own from its open on, for at most 64 of them")
  func opens() async throws {
    let board = EventBoard { Bench.wallTime }
    board.post("a", "before")
    let streams = try (0..<EventBoard.streamLimit).map { _ in try board.subscribe() }
    #expect(throws: Errno.tooManyOpenFilesInSystem) { try board.subscribe() }
    board.post("a", "after")
    for stream in streams {
      #expect(try await next(1, of: stream) == ["a after"])
    }
    streams[0].close()
    let again = try board.subscribe()
    board.post("b", "now")
    #expect(try await next(1, of: again) == ["b now"])
  }

  @Test("that a slow reader has missed are counted in a line; no line is too long")
  func slowReader() async throws {
    let board = EventBoard { Bench.wallTime }
    let stream = try board.subscribe()
    let long = String(repeating: "ä", count: 2000)
    for _ in 0..<100 { board.post("a", long) }
    var kept = 0
    while true {
      let line = try await stream.read(count: 1 << 20, waits: true)
      guard line.count > 100 else { break }
      #expect(line.count <= EventBoard.lineLimit + 1)
      #expect(String(validating: line, as: UTF8.self) != nil)
      stream.settle(taken: line.count)
      kept += 1
    }
    stream.settle(taken: 0)
    #expect(kept > 60)
    #expect(try await next(1, of: stream) == ["events \(100 - kept) lost: read too slowly"])
  }
}

/// ABORT TASK for who unlinks a task's file.
struct AbortTests {
  private static let task = OutstandingTask(
    tag: InitiatorTaskTag(rawValue: 7), lun: .zero, cdb: .testUnitReady, byteCount: 0,
    ageMilliseconds: 0, state: .sent)

  @Test(
    "An abort ends as the function did",
    arguments: [
      (.complete, nil), (.taskNotFound, .resourceBusy), (.refused(nil), .ioError),
      (.rejected(reason: 4), .protocolError), (.notNegotiated, .notSupportedOnSocket),
      (.notConnected, .socketNotConnected), (.sessionLost, .socketNotConnected),
      (.timedOut, .timedOut), (.busy, .resourceBusy),
    ] as [(TaskManagementOutcome, Errno?)])
  func outcomes(outcome: TaskManagementOutcome, error: Errno?) async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { state in
      state.tasks = [Self.task]
      state.outcome = outcome
    }
    var thrown: Errno?
    do { try await bench.initiator.abort(Self.task.tag, of: session) } catch { thrown = error }
    #expect(thrown == error)
    #expect(bench.reactor.with(\.managed) == [Self.task.tag])
  }

  @Test("A task that is over is ENOENT and nothing is sent")
  func over() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    await #expect(throws: Errno.noSuchFileOrDirectory) {
      try await bench.initiator.abort(Self.task.tag, of: session)
    }
    #expect(bench.reactor.with(\.managed) == [])
  }

  @Test("end with the mount, not with an error; who does not go is not waited for long")
  func end() async throws {
    let bench = try Bench()
    let stream = try bench.initiator.events()
    async let ended: Void = bench.initiator.shutdown()
    #expect(try await stream.read(count: 100, waits: true).isEmpty)
    for _ in 0..<50 { #expect(await bench.clock.fires(.milliseconds(10))) }
    await ended
    let late = try bench.initiator.events()
    #expect(try await late.read(count: 100, waits: false).isEmpty)
  }
}
