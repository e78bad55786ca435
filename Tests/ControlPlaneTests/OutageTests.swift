import ISCSI
import LinuxIO
import Reactor
import SystemPackage
import Testing

@testable import ControlPlane

/// What people are told of an outage: `state`, `events`, `last_error`, counters.
@Suite("Outages", .timeLimit(.minutes(5)))
struct OutageTests {
  private static let start = Bench.wallTime
  private static let unavailable = FakeConnector.Answer.failure(
    LoginFailure(ControlError(.resourceTemporarilyUnavailable, .login, "not now")))
  private static let refusal = FakeConnector.Answer.failure(
    LoginFailure(ControlError(.connectionRefused, .transport, "refused")))

  private func lose(_ bench: Bench) throws {
    let session = try #require(bench.target?.sessions.last?.handle)
    bench.reactor.send(.sessionLost(session, .connectionClosed))
  }

  private func nextLine(of stream: ByteStream) async throws -> String {
    let bytes = try await stream.read(count: EventBoard.streamBytes, waits: true)
    let end = bytes.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.startIndex
    stream.settle(taken: end + 1)
    let words = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ", maxSplits: 2)
    return words.count == 3 ? String(words[2]) : ""
  }

  @Test("events tell the loss, each try, the end of the callers' patience, and how long it took")
  func story() async throws {
    let bench = try Bench { $0.sessionTimeouts.replacementMilliseconds = 2_500 }
    try await bench.logIn()
    let stream = try bench.initiator.events()
    bench.connector.answer(Self.unavailable, Self.unavailable)
    try lose(bench)
    #expect(try await nextLine(of: stream) == "session lost: the target closed the connection")
    #expect(
      try await nextLine(of: stream) == "login 1 failed: 5 LOGIN not now; next in 1.0 s")
    #expect(
      bench.target?.outage
        == Outage(since: Self.start, patience: .until(Self.start.advanced(milliseconds: 2_500))))
    #expect(bench.target?.lastError == "5 LOGIN not now")
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(
      try await nextLine(of: stream) == "login 2 failed: 5 LOGIN not now; next in 2.0 s")
    #expect(await bench.clock.fires(.milliseconds(1_500)))
    #expect(
      try await nextLine(of: stream)
        == "lost for 2.5 s (replacement_timeout): what waits for it fails")
    #expect(
      bench.target?.outage?.patience == .failingSince(Self.start.advanced(milliseconds: 2_500)))
    #expect(await bench.clock.fires(.milliseconds(500)))
    #expect(
      try await nextLine(of: stream) == "session recovered: 192.0.2.1:3260 after 3.0 s, login 3")
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    let target = try #require(bench.target)
    #expect(target.outage == nil && target.lastError == ControlError.successLine)
    #expect(target.sessions[0].losses == 1 && target.sessions[0].recoveryTries == 3)
    #expect(target.sessions[0].recoveryMilliseconds == 3_000)
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
  }

  @Test("Callers' patience counts from when a silent target owed them an answer")
  func silence() async throws {
    let bench = try Bench { $0.sessionTimeouts.replacementMilliseconds = 30_000 }
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    for _ in 0..<8 { bench.connector.answer(Self.unavailable) }
    bench.reactor.send(.sessionLost(session, .pingTimedOut, silentMilliseconds: 10_000))
    #expect(await bench.reaches { $0.target?.state == .recovering })
    let since = Self.start.earlier(milliseconds: 10_000)
    #expect(
      bench.target?.outage
        == Outage(since: since, patience: .until(Self.start.advanced(milliseconds: 20_000))))
    #expect(await bench.clock.fires(.seconds(20)))
    #expect(
      await bench.reaches {
        $0.target?.outage?.patience == .failingSince(Self.start.advanced(milliseconds: 20_000))
      })
  }

  @Test("A target whose callers wait for ever says so; one whose callers wait for nothing, too")
  func extremes() async throws {
    for (limit, patience) in [
      (nil, .forEver), (0, .failingSince(Self.start)),
    ] as [(UInt64?, Outage.Patience)] {
      let bench = try Bench { $0.sessionTimeouts.replacementMilliseconds = limit }
      try await bench.logIn()
      bench.connector.answer(Self.refusal)
      try lose(bench)
      #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
      #expect(bench.target?.outage == Outage(since: Self.start, patience: patience))
      // Only the next try is waited for.
      #expect(await bench.reaches { $0.clock.sleeperCount == 1 })
    }
  }

  @Test("While another session serves nobody is told that I/O fails")
  func pool() async throws {
    let bench = try Bench {
      $0.sessionsPerTarget = 2
      $0.sessionTimeouts.replacementMilliseconds = 500
    }
    try await bench.logIn()
    #expect(await bench.reaches { $0.target?.sessions.count == 2 })
    bench.connector.answer(Self.refusal)
    try lose(bench)
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    #expect(
      bench.target?.outage?.patience == .until(Self.start.advanced(milliseconds: 500)))
    #expect(await bench.clock.fires(.milliseconds(500)))
    #expect(await bench.reaches { $0.target?.outage?.patience == Outage.Patience.none })
    #expect(bench.target?.state == .recovering)
  }

  @Test("A logout ends the outage, and nothing is told of it afterwards")
  func logout() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.connector.answer(Self.refusal)
    try lose(bench)
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut && bench.target?.outage == nil)
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
  }
}
