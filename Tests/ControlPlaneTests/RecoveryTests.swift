import ISCSI
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// Coming back after a loss.
struct RecoveryTests {
  private func refusal(isPermanent: Bool = false) -> FakeConnector.Answer {
    .failure(
      LoginFailure(
        ControlError(.connectionRefused, .transport, "refused"), isPermanent: isPermanent))
  }

  /// Status 0301h: the target is there and takes no login now.
  private let unavailable = FakeConnector.Answer.failure(
    LoginFailure(ControlError(.resourceTemporarilyUnavailable, .login, "not now")))

  private func lose(_ bench: Bench) throws -> SessionHandle {
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .connectionClosed))
    return session
  }

  @Test("E01 the first try is at once, with the same ISID and handle")
  func firstTryIsAtOnceWithTheSameISIDAndHandle() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try lose(bench)
    #expect(await bench.reaches { $0.reactor.with { $0.started.count } == 2 })
    #expect(bench.reactor.with { $0.started } == [session, session])
    let orders = bench.connector.orders
    #expect(orders.count == 2 && orders[0].isid == orders[1].isid)
    #expect(orders[1].expectedTargetPortalGroupTag == 1)
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    #expect(bench.clock.sleeperCount == 0)
  }

  /// RFC 7143, 11.13.5: 1, 2, 4, 8, 15 seconds; the random part is in the middle here.
  @Test("L36 later tries wait longer and longer")
  func laterTriesWaitLongerAndLonger() async throws {
    let bench = try Bench { $0.sessionTimeouts.replacementMilliseconds = nil }
    try await bench.logIn()
    for _ in 0..<6 { bench.connector.answer(unavailable) }
    _ = try lose(bench)
    var waits: [Duration] = []
    for _ in 0..<6 { waits.append(await bench.clock.fireNext()) }
    #expect(waits == [1, 2, 4, 8, 15, 15].map { Duration.seconds($0) })
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
  }

  @Test("P4 while callers wait, an absent target is tried each second; then seldom")
  func absentTarget() async throws {
    let bench = try Bench()
    try await bench.logIn()
    for _ in 0..<200 { bench.connector.answer(refusal()) }
    _ = try lose(bench)
    // replacement_timeout: 120 s. Besides the next try its end is slept for.
    for _ in 0..<120 {
      #expect(await bench.reaches { $0.clock.sleeperCount == 2 })
      #expect(await bench.clock.fires(.seconds(1)))
    }
    bench.clock.fireDue()
    for _ in 0..<6 { #expect(await bench.clock.fires(.seconds(15))) }
  }

  @Test("P3 behind a portal that has fallen silent another one of its group is tried first")
  func silentPortalIsLast() async throws {
    let bench = try Bench()
    let same = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
    try await bench.logIn(portals: [Bench.portal, same])
    bench.connector.answer(refusal())
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .pingTimedOut))
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    #expect(bench.connector.orders.dropFirst().map(\.portal) == [same, Bench.portal])
  }

  @Test("L34, C30 a refusal for good is tried once per half minute at most")
  func refusalForGoodIsTriedOncePerHalfMinuteAtMost() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.connector.answer(refusal(isPermanent: true))
    _ = try lose(bench)
    #expect(await bench.clock.fireNext() >= .seconds(30))
  }

  @Test("L34 a first login that is refused for good as well, and its errno is told")
  func firstRefusalForGood() async throws {
    let bench = try Bench { $0.loginPolicy = .automatic }
    bench.connector.find([
      DiscoveredTarget(name: try ISCSIName(Bench.targetName), portals: [Bench.portal])
    ])
    for _ in 0..<3 { bench.connector.answer(refusal(isPermanent: true)) }
    try await bench.initiator.start(portal: Bench.portal)
    #expect(bench.target?.state == .failed && bench.connector.orders.count == 1)
    for count in 2...3 {
      #expect(await bench.clock.fireNext() >= .seconds(30))
      #expect(await bench.reaches { $0.connector.orders.count == count })
    }
  }

  @Test("H36 lost again as soon as it is back: a login a second, a thousand times")
  func lostAtOnce() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let start = bench.clock.now
    _ = try lose(bench)
    #expect(await bench.reaches { $0.connector.orders.count == 2 && $0.target?.state == .loggedIn })
    for count in 3...1002 {
      _ = try lose(bench)
      #expect(await bench.clock.fires(.seconds(1)))
      #expect(
        await bench.reaches { $0.connector.orders.count == count && $0.target?.state == .loggedIn })
    }
    #expect(start.duration(to: bench.clock.now) >= .seconds(1000))
  }

  @Test("reopen_max: after so many tries a lost session is logged out, and says why")
  func lostSessionIsGivenUp() async throws {
    let bench = try Bench { $0.reopenAttempts = 3 }
    try await bench.logIn()
    for _ in 0..<3 { bench.connector.answer(refusal()) }
    _ = try lose(bench)
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.connector.orders.count == 3 })
    #expect(bench.target?.state == .recovering)
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.target?.state == .loggedOut })
    #expect(bench.connector.orders.count == 4 && bench.target?.logicalUnits.isEmpty == true)
    #expect(await bench.reaches { $0.reactor.with { $0.loggedOut.count == 1 } })
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    // Whoever wants it back asks for it, once the logout is over.
    var isRefused = true
    while isRefused {
      do throws(ControlError) {
        try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
        isRefused = false
      } catch {
        #expect(error.errno == .resourceBusy)
        await ManualClock.pause()
      }
    }
    #expect(bench.target?.state == .loggedIn)
  }

  @Test("initial_login_retry_max: a first login that failed so often is not tried again")
  func firstLoginIsGivenUp() async throws {
    let bench = try Bench {
      $0.loginPolicy = .automatic
      $0.initialLoginAttempts = 3
    }
    bench.connector.find([
      DiscoveredTarget(name: try ISCSIName(Bench.targetName), portals: [Bench.portal])
    ])
    for _ in 0..<3 { bench.connector.answer(refusal()) }
    try await bench.initiator.start(portal: Bench.portal)
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.connector.orders.count == 2 })
    #expect(await bench.clock.fires(.seconds(2)))
    #expect(await bench.reaches { $0.connector.orders.count == 3 && $0.target?.state == .failed })
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
    #expect(bench.target?.lastError == "4 TRANS refused")
    // No longer wanted: there is nothing to log out of.
    await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    }
  }

  @Test("E20 the target's wish to wait is obeyed, not what was agreed on", arguments: [0, 3, 60])
  func targetsWishToWaitIsObeyed(seconds: UInt16) async throws {
    let bench = try Bench()
    bench.connector.wants(time2Wait: 2)
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .requestedByTarget(time2WaitSeconds: seconds)))
    if seconds > 0 { #expect(await bench.clock.fires(.seconds(Int(seconds)))) }
    #expect(await bench.reaches { $0.reactor.with { $0.started.count } == 2 })
  }

  /// RFC 7143, 13.15: the least time before an implicit logout after a loss without warning.
  @Test("E20, L26 DefaultTime2Wait is waited after a loss without warning", arguments: [0, 2, 60])
  func defaultTime2Wait(seconds: UInt32) async throws {
    let bench = try Bench()
    bench.connector.wants(time2Wait: seconds)
    try await bench.logIn()
    _ = try lose(bench)
    if seconds > 0 {
      #expect(await bench.reaches { $0.clock.sleeperCount == 2 })
      #expect(bench.connector.orders.count == 1)
      #expect(await bench.clock.fires(.seconds(Int(seconds))))
    }
    #expect(await bench.reaches { $0.reactor.with { $0.started.count } == 2 })
    #expect(bench.connector.orders.count == 2)
  }

  @Test("H60: a target that wants to be left alone for hours is come back to after 120 s")
  func hoursAreNotWaited() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.send(.sessionLost(session, .requestedByTarget(time2WaitSeconds: 65_535)))
    // The callers' patience ends at the same moment.
    #expect(await bench.reaches { $0.clock.sleeperCount == 2 })
    #expect(await bench.clock.fires(.seconds(120)))
    bench.clock.fireDue()
    #expect(await bench.reaches { $0.reactor.with { $0.started.count } == 2 })
  }

  @Test func targetIsRecoveringAndItsLUNsAreBlockedMeanwhile() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.connector.answer(refusal())
    _ = try lose(bench)
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    #expect(bench.target?.state == .recovering)
    #expect(bench.target?.sessions.first?.state == "FAILED")
    #expect(bench.unit()?.state == "blocked")
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(await bench.reaches { $0.unit()?.state == "running" })
  }

  @Test("E02 only portals of the session's group are tried: another's makes another nexus")
  func onlyPortalsOfTheSessionsGroupAreTried() async throws {
    let bench = try Bench { $0.sessionTimeouts.replacementMilliseconds = nil }
    let same = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
    let other = Portal(host: "192.0.2.3", port: 3260, targetPortalGroupTag: 2)
    try await bench.logIn(portals: [Bench.portal, other, same])
    for _ in 0..<3 { bench.connector.answer(refusal()) }
    _ = try lose(bench)
    for _ in 0..<3 { _ = await bench.clock.fireNext() }
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    let tried = bench.connector.orders.dropFirst().map(\.portal)
    #expect(tried == [Bench.portal, same, Bench.portal, same])
  }

  @Test func logoutEndsTheRecovery() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.connector.answer(refusal())
    _ = try lose(bench)
    #expect(await bench.reaches { $0.target?.lastError == "4 TRANS refused" })
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut)
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
    #expect(await bench.reaches { $0.clock.sleeperCount == 0 })
  }

  @Test("E30 another unit after the loss is ESTALE")
  func anotherUnitAfterTheLossIsStale() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let old = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(old, writable: true)
    bench.reactor.with { $0.units[.zero]?.naa[15] = 9 }
    _ = try lose(bench)
    #expect(await bench.reaches { $0.unit()?.handle.map { $0 != old } ?? false })
    #expect(bench.reactor.with { $0.withdrawn } == [.init(unit: old, error: .staleNFSFileHandle)])
  }

  @Test func dropIsPassedToTheReactor() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first)
    try await bench.initiator.perform(.drop, target: Bench.targetName, session: session.number)
    #expect(await bench.reaches { $0.reactor.with { $0.dropped } == [session.handle] })
  }

  @Test("a wait set on a session is its own, through losses, and not set while it is lost")
  func timeoutsSet() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let set = SessionCommand.setTimeout(.recovery, seconds: 7)
    try await bench.initiator.perform(set, target: Bench.targetName, session: 1)
    #expect(bench.target?.sessions.first?.timeouts[.recovery] == 7)
    let other = SessionCommand.setTimeout(.abort, seconds: 3)
    try await bench.initiator.perform(other, target: Bench.targetName, session: 1)
    #expect(
      await bench.reaches {
        $0.reactor.with { $0.timeouts.map(\.replacementMilliseconds) } == [7_000, 7_000]
          && $0.reactor.with { $0.timeouts.map(\.abortMilliseconds) } == [15_000, 3_000]
      })
    bench.connector.answer(refusal())
    _ = try lose(bench)
    #expect(await bench.reaches { $0.target?.state == .recovering && $0.clock.sleeperCount == 2 })
    await #expect(
      throws: ControlError(
        .resourceBusy, .busy, "session 1 of \(Bench.targetName) is not logged in")
    ) { try await bench.initiator.perform(set, target: Bench.targetName, session: 1) }
    _ = await bench.clock.fireNext()
    #expect(await bench.reaches { $0.target?.state == .loggedIn })
    #expect(bench.reactor.with { $0.handedTimeouts?.replacementMilliseconds } == 7_000)
    #expect(bench.reactor.with { $0.handedTimeouts?.abortMilliseconds } == 3_000)
    let forEver = SessionCommand.setTimeout(.recovery, seconds: nil)
    try await bench.initiator.perform(forEver, target: Bench.targetName, session: 1)
    #expect(
      await bench.reaches {
        $0.reactor.with { $0.timeouts.last }
          == SessionTimeouts(replacementMilliseconds: nil, abortMilliseconds: 3_000)
      })
    #expect(bench.target?.sessions.first?.timeouts[.recovery] == nil)
  }

  @Test("nop tells whether the target answered, reset whether it did what was asked")
  func nopAndReset() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let name = Bench.targetName
    try await bench.initiator.perform(.nop, target: name, session: 1)
    await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(.nop, target: name, session: 2)
    }
    for (ping, errno) in [
      (.sessionLost, .timedOut), (.notConnected, .socketNotConnected), (.busy, .resourceBusy),
    ] as [(PingOutcome, Errno)] {
      bench.reactor.with { $0.ping = ping }
      do {
        try await bench.initiator.perform(.nop, target: name, session: 1)
        Issue.record("\(ping) is no success")
      } catch { #expect(error.errno == errno) }
    }
    try await bench.initiator.perform(.reset(isCold: false), target: name)
    try await bench.initiator.perform(.reset(isCold: true), target: name)
    #expect(bench.reactor.with { $0.functions } == [.targetWarmReset, .targetColdReset])
    bench.reactor.with { $0.outcome = .sessionLost }
    try await bench.initiator.perform(.reset(isCold: true), target: name)
    for (outcome, errno) in [
      (.sessionLost, .socketNotConnected), (.refused(.functionNotSupported), .notSupportedOnSocket),
      (.refused(.functionAuthorizationFailed), .permissionDenied), (.refused(nil), .ioError),
      (.timedOut, .timedOut), (.busy, .resourceBusy),
    ] as [(TaskManagementOutcome, Errno)] {
      bench.reactor.with { $0.outcome = outcome }
      do {
        try await bench.initiator.perform(.reset(isCold: false), target: name)
        Issue.record("\(outcome) is no success")
      } catch {
        #expect(error.errno == errno)
        #expect(error.sentence.hasPrefix("TARGET WARM RESET at \(name)"))
      }
    }
  }

  @Test func waitsStayWithinAFifth() {
    var least = RecoverySchedule()
    var most = RecoverySchedule()
    for seconds in [1.0, 2, 4, 8, 15, 15] {
      #expect(least.delay(isPermanent: false, random: 0) == .seconds(seconds * 0.8))
      #expect(most.delay(isPermanent: false, random: 0.999_999) < .seconds(seconds * 1.2))
    }
    #expect(least.delay(isPermanent: true, random: 0) == .seconds(30))
  }
}
