import ISCSI
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// The verbs of a target's `control`, and the errno each gives.
struct LoginLogoutTests {
  private func errno(_ body: () async throws(ControlError) -> Void) async -> Errno? {
    do throws(ControlError) {
      try await body()
      return nil
    } catch {
      return error.errno
    }
  }

  @Test func loginShowsASessionAndALUN() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let target = try #require(bench.target)
    #expect(target.state == .loggedIn && target.lastError == "0 SUCCESS")
    #expect(target.sessions.map(\.number) == [1] && target.sessions.first?.tsih == 7)
    #expect(target.portals.map(\.directoryName) == ["192.0.2.1,3260,1"])
    #expect(bench.unit()?.state == "running")
  }

  @Test func loginOfALoggedInTargetIsEEXIST() async throws {
    let bench = try Bench()
    try await bench.logIn()
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
      } == .fileExists)
  }

  @Test func logoutOfALoggedOutTargetIsENOTCONN() async throws {
    let bench = try Bench()
    try await bench.initiator.perform(
      .add(name: Bench.targetName, portal: Bench.portal.description))
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
      } == .socketNotConnected)
  }

  @Test func logoutWithAnOpenLUNIsEBUSYUntilForced() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: true)
    let refused = Task {
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
      }
    }
    #expect(await bench.clock.fires(.milliseconds(500)))
    #expect(await refused.value == .resourceBusy)
    #expect(bench.target?.state == .loggedIn)
    try await bench.initiator.perform(.logout(force: true), target: Bench.targetName)
    #expect(bench.target?.state == .loggedOut && bench.target?.logicalUnits == [])
    #expect(bench.reactor.with { $0.withdrawn.map(\.error) } == [.socketNotConnected])
  }

  /// The kernel sends a file's RELEASE when close(2) has returned, beside the next request.
  @Test func logoutWaitsForACloseOnItsWay() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: true)
    let logout = Task {
      try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    }
    #expect(await bench.reaches { $0.clock.sleeperCount == 1 })
    #expect(bench.target?.state == .loggedIn)
    await bench.initiator.closeLogicalUnit(handle, writable: true)
    try await logout.value
    #expect(bench.target?.state == .loggedOut)
  }

  @Test func closedLUNLetsTheLogoutThroughAndComesBackAsTheSameFile() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: true)
    await bench.initiator.closeLogicalUnit(handle, writable: true)
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    #expect(bench.reactor.with { $0.loggedOut.count } == 1)
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await bench.initiator.openLogicalUnit(handle, writable: false)
    }
    try await bench.initiator.perform(.login(nowait: false), target: Bench.targetName)
    #expect(bench.unit()?.handle == handle)
    #expect(bench.target?.sessions.map(\.number) == [2])
  }

  @Test func logoutIsBoundedWhenTheTargetDoesNotAnswer() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.ignoresLogout = true }
    async let done: Void = bench.initiator.perform(
      .logout(force: true), target: Bench.targetName)
    #expect(
      await bench.reaches { $0.reactor.heldEndCount == 1 && $0.clock.sleeperCount == 1 })
    #expect(await bench.clock.fires(.seconds(15)))
    try await done
    #expect(bench.target?.state == .loggedOut)
    #expect(bench.reactor.with { $0.closed.count } == 1)
  }

  @Test func logoutEndsALoginUnderWay() async throws {
    let bench = try Bench()
    bench.connector.answer(.silence)
    let login = Task { try await bench.logIn() }
    #expect(await bench.reaches { $0.target?.state == .loggingIn })
    #expect(await bench.reaches { !$0.connector.orders.isEmpty })
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    await #expect(throws: ControlError.self) { try await login.value }
    #expect(bench.target?.state == .loggedOut)
  }

  @Test func failedLoginIsShownAndMayBeTriedAgain() async throws {
    let bench = try Bench()
    bench.connector.answer(
      .failure(
        LoginFailure(
          ControlError(.keyRejected, .loginAuthenticationFailed, "the target refused"),
          isPermanent: true)))
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(
          .add(name: Bench.targetName, portal: Bench.portal.description))
        try await bench.initiator.perform(.login(name: nil))
      } == .keyRejected)
    #expect(bench.target?.state == .failed)
    #expect(bench.target?.lastError == "24 LOGIN_AUTH_FAILED the target refused")
    try await bench.initiator.perform(.login(name: Bench.targetName))
    #expect(bench.target?.state == .loggedIn)
  }

  @Test func sessionsGoRoundThePortalsEachWithItsOwnISID() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 3 })
    let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
    try await bench.logIn(portals: [Bench.portal, other])
    let orders = bench.connector.orders
    #expect(orders.map(\.portal) == [Bench.portal, other, Bench.portal])
    #expect(Set(orders.map(\.isid)).count == 3)
    // The reactor takes what it is told on a thread of its own.
    func serves(with count: Int) async -> Bool {
      await bench.reaches { $0.reactor.with { $0.exposed.values.first?.sessions.count } == count }
    }
    #expect(await serves(with: 3))
    try await bench.initiator.perform(.logout, target: Bench.targetName, session: 2)
    #expect(bench.target?.sessions.map(\.number) == [1, 3])
    #expect(await serves(with: 2))
  }

  @Test func portalThatRefusesIsPassedOver() async throws {
    let bench = try Bench()
    let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))))
    try await bench.logIn(portals: [Bench.portal, other])
    #expect(bench.target?.state == .loggedIn)
    #expect(bench.target?.portals.first?.lastError == "4 TRANS refused")
    #expect(bench.target?.portals.last?.state == .loggedIn)
  }

  @Test func wrongSecretIsToldThoughAnotherPortalIsDown() async throws {
    let bench = try Bench()
    let other = Portal(host: "192.0.2.2", port: 3260, targetPortalGroupTag: 1)
    let third = Portal(host: "192.0.2.3", port: 3260, targetPortalGroupTag: 1)
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))),
      .failure(
        LoginFailure(
          ControlError(.keyRejected, .loginAuthenticationFailed, "wrong"), isPermanent: true)))
    #expect(
      await errno { () throws(ControlError) in
        do {
          try await bench.logIn(portals: [Bench.portal, other, third])
        } catch {
          throw error as? ControlError ?? ControlError(.ioError, .generic, "\(error)")
        }
      } == .keyRejected)
    // It is wrong at the third portal, too.
    #expect(bench.connector.orders.count == 2)
  }

  @Test func removeWantsTheTargetLoggedOut() async throws {
    let bench = try Bench()
    try await bench.logIn()
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(.remove, target: Bench.targetName)
      } == .resourceBusy)
    try await bench.initiator.perform(.logout(force: false), target: Bench.targetName)
    try await bench.initiator.perform(.remove(name: Bench.targetName))
    #expect(bench.initiator.snapshot().targets == [])
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.perform(.rescan, target: Bench.targetName)
      } == .noSuchFileOrDirectory)
  }

  @Test func initiatorNameIsBusyWhileLoggedIn() async throws {
    let bench = try Bench()
    try await bench.logIn()
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.setInitiatorName("iqn.2026-01.test:other")
      } == .resourceBusy)
    try await bench.initiator.perform(.logout(name: nil, force: false))
    try await bench.initiator.setInitiatorName("iqn.2026-01.test:other")
    #expect(bench.initiator.snapshot().initiatorName == "iqn.2026-01.test:other")
    #expect(
      await errno { () throws(ControlError) in
        try await bench.initiator.setInitiatorName("../etc")
      } == .invalidArgument)
  }

  @Test func badSourcesAreEINVALAndOtherDiscoveryIsEOPNOTSUPP() async throws {
    let bench = try Bench()
    for (source, expected) in [
      ("host:port", Errno.invalidArgument), ("isns://host", .notSupportedOnSocket),
    ] {
      #expect(
        await errno { () throws(ControlError) in
          try await bench.initiator.perform(.discover(source: source))
        } == expected)
    }
  }

  @Test func startLogsInToEveryTargetAndOneBadOneHurtsNoOther() async throws {
    let bench = try Bench()
    let names = try ["a", "b", "c"].map { try ISCSIName("iqn.2026-01.test:\($0)") }
    bench.connector.find(names.map { DiscoveredTarget(name: $0, portals: [Bench.portal]) })
    bench.connector.answer(
      .failure(LoginFailure(ControlError(.connectionRefused, .transport, "refused"))))
    try await bench.initiator.start(portal: Bench.portal)
    let states = bench.initiator.snapshot().targets.map(\.state)
    #expect(states.filter { $0 == .loggedIn }.count == 2)
    #expect(states.filter { $0 == .failed }.count == 1)
    // The bad one is tried again by itself.
    #expect(await bench.clock.fires(.seconds(1)))
    #expect(
      await bench.reaches { bench in
        bench.initiator.snapshot().targets.allSatisfy { $0.state == .loggedIn }
      })
  }

  @Test func shutdownLogsEverySessionOut() async throws {
    let bench = try Bench(configure: { $0.sessionsPerTarget = 2 })
    try await bench.logIn()
    await bench.initiator.shutdown()
    #expect(bench.reactor.with { $0.loggedOut.count } == 2)
    #expect(bench.target?.state == .loggedOut)
  }

  @Test func runEndsWithItsTask() async throws {
    let bench = try Bench()
    let running = Task { await bench.initiator.run() }
    running.cancel()
    await running.value
  }

  @Test func shutdownIsBounded() async throws {
    let bench = try Bench()
    try await bench.logIn()
    bench.reactor.with { $0.ignoresLogout = true }
    async let done: Void = bench.initiator.shutdown()
    #expect(
      await bench.reaches { $0.reactor.heldEndCount == 1 && $0.clock.sleeperCount == 2 })
    #expect(await bench.clock.fires(.seconds(10)))
    await done
  }

  @Test func readOnlyMountOpensNothingForWriting() async throws {
    let bench = try Bench(configure: { $0.isReadOnly = true })
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    await #expect(throws: Errno.readOnlyFileSystem) {
      try await bench.initiator.openLogicalUnit(handle, writable: true)
    }
    try await bench.initiator.openLogicalUnit(handle, writable: false)
    #expect(bench.unit()?.openCount == 1)
  }
}
