import ISCSI
import Logging
import LogicalUnit
import Reactor
import SCSI
import SystemPackage

/// Logging in and out.
extension Target {
  /// Logs in with all sessions and scans; returns when the LUN files are there.
  func logIn() async throws(ControlError) {
    guard !isEnding else {
      throw ControlError(
        .noSuchFileOrDirectory, .noObjectsFound, "\(name) is no longer known: the mount is ending")
    }
    switch phase {
    case .loggedIn, .recovering:
      throw ControlError(.fileExists, .sessionExists, "\(name) is logged in already")
    case .loggingIn, .loggingOut:
      throw ControlError(.resourceBusy, .busy, "\(name) is being logged in or out")
    case .retired:
      throw ControlError(
        .noSuchFileOrDirectory, .noObjectsFound, "\(name) is no longer known")
    case .loggedOut, .failed: break
    }
    stopRetrying()
    if let failure = await startAttempt() { throw failure.error }
  }

  /// Logs in now or later: what fails is tried again until it succeeds or somebody logs out.
  func keepLoggedIn() async {
    guard !isEnding, phase == .loggedOut || phase == .failed, !isRetrying else { return }
    guard let failure = await startAttempt(), phase == .failed else { return }
    if failure.waitsForPlace {
      waitForPlace()
    } else if !givesUp(after: 1) {
      scheduleRetry(RecoverySchedule(), isPermanent: failure.isPermanent)
    }
  }

  /// Whether a first login that has failed so often is not tried again.
  private func givesUp(after attempts: Int) -> Bool {
    guard let limit = settings.initialLoginAttempts, attempts >= limit else { return false }
    tell("login given up after \(attempts) attempt(s)")
    logger.warning("login given up after \(attempts) attempt(s)")
    return true
  }

  /// Whether a wanted login that failed is going to be tried again.
  var isRetrying: Bool { retry != nil || waitsForPlace }

  /// A login that failed is not tried again any more.
  func stopRetrying() {
    retry?.cancel()
    retry = nil
    if waitsForPlace { context.sessionQueue.remove(self) }
    waitsForPlace = false
  }

  private func waitForPlace() {
    waitsForPlace = true
    context.sessionQueue.append(self)
    // The last place may have been given back since it was found taken.
    if context.registry.hasSessionPlace { context.sessionQueue.advance() }
  }

  /// A session's place was given back, and this target is the first to have it.
  func placeIsFree() async {
    guard waitsForPlace, phase == .failed else { return context.sessionQueue.advance() }
    waitsForPlace = false
    await keepLoggedIn()
  }

  private func scheduleRetry(_ schedule: RecoverySchedule, isPermanent: Bool) {
    let wanted = epoch
    retry = Task { [weak self, context] in
      var schedule = schedule
      var isPermanent = isPermanent
      var attempts = 1
      while !Task.isCancelled {
        let delay = schedule.delay(
          isPermanent: isPermanent, random: context.environment.random())
        do { try await context.clock.sleep(for: delay) } catch { return }
        attempts += 1
        guard let outcome = await self?.retryAttempt(attempts, since: wanted) else { return }
        isPermanent = outcome
      }
    }
  }

  /// One more try; nil when there is no need of another.
  private func retryAttempt(_ attempt: Int, since wanted: Int) async -> Bool? {
    guard phase == .failed, epoch >= wanted, !Task.isCancelled, !isEnding else { return nil }
    let failure = await startAttempt()
    guard let failure, phase == .failed else {
      retry = nil
      return nil
    }
    if failure.waitsForPlace {
      retry = nil
      waitForPlace()
      return nil
    }
    guard !givesUp(after: attempt) else {
      retry = nil
      return nil
    }
    return failure.isPermanent
  }

  /// Runs a login as the one under way; nil when it succeeded.
  private func startAttempt() async -> LoginFailure? {
    epoch += 1
    let mine = epoch
    phase = .loggingIn
    lastError = nil
    publish()
    let task = Task { await self.logInFirstSession(in: mine) }
    attempt = task
    let failure = await task.value
    guard epoch == mine else { return LoginFailure(cancelled) }
    attempt = nil
    if let failure {
      phase = .failed
      // Of all that wait for a place the initiator tells in one line.
      if failure.waitsForPlace { lastError = failure.error } else { note(failure.error) }
      tell("login failed: \(failure.error.line)")
      publish()
      return failure
    }
    settle()
    publish()
    logger.info("logged in")
    // What was left behind is ended, where that takes no long time, before anybody writes again.
    let hasRemnants = !isids.remnants.isEmpty
    if hasRemnants { await completePool(in: mine) }
    guard epoch == mine else { return LoginFailure(cancelled) }
    if let error = await rescan() { note(error) }
    publish()
    if !hasRemnants { await completePool(in: mine) }
    return nil
  }

  /// The session that decides whether the login failed.
  private func logInFirstSession(in mine: Int) async -> LoginFailure? {
    do {
      try await logInSession(startingAt: 0, in: mine)
      return nil
    } catch {
      return epoch == mine ? error : LoginFailure(cancelled)
    }
  }

  private var cancelled: ControlError {
    ControlError(.canceled, .login, "the login of \(name) was ended by a logout")
  }

  /// Logs one session in at the first portal that lets it, beginning with the one at `start`.
  func logInSession(startingAt start: Int, in mine: Int) async throws(LoginFailure) {
    guard
      let (handle, number) = context.registry.makeSession(
        for: directoryName, position: sessions.count)
    else {
      throw .noPlace(of: context.registry.sessionCount)
    }
    var failure: LoginFailure?
    for offset in portals.indices {
      let index = (start + offset) % portals.count
      let portal = portals[index].portal
      let isid = isids.take(
        for: portal, random: context.settings.isidRandom, number: number)
      do {
        let connection = try await connect(isid: isid, portalAt: index, expecting: nil)
        guard epoch == mine else {
          isids.giveBack(unanswered: isid, at: portal)
          break
        }
        isids.loggedIn(
          isid, inGroup: connection.facts.targetPortalGroupTag ?? portal.targetPortalGroupTag)
        sessions.append(
          TargetSession(
            handle: handle, number: number, isid: isid, facts: connection.facts,
            timeouts: settings.sessionTimeouts))
        tell(handle, "session up: \(connection.facts.portal.address)")
        context.port.start(handle, connection.takeHandover())
        completeConnections(of: handle)
        return
      } catch {
        if error.status == nil {
          isids.giveBack(unanswered: isid, at: portal)
        } else {
          isids.giveBack(isid)
        }
        // The first failure names the portal asked for first; but a secret that is wrong is wrong
        // everywhere, and not tried again soon.
        failure = failure ?? error
        if error.error.errno == .keyRejected {
          failure = error
          break
        }
        if epoch != mine || error.error.errno == .canceled { break }
      }
    }
    context.giveBack(unused: handle)
    throw failure ?? LoginFailure(cancelled)
  }

  /// One login at one portal, whose outcome is noted with it.
  ///
  /// - Parameter known: in a recovery, where portals were reached before.
  func connect(
    isid: ISID, portalAt index: Int, expecting tag: UInt16?, connectionID: UInt16 = 1,
    joining session: LoginOrder.JoinedSession? = nil, known: KnownAddresses? = nil
  ) async throws(LoginFailure) -> LoggedInConnection {
    let portal = portals[index].portal
    var order = LoginOrder(
      targetName: name.value, portal: portals[index].destination, isid: isid,
      expectedTargetPortalGroupTag: tag)
    order.connectionID = connectionID
    order.joined = session
    order.knownAddresses = known
    do {
      var connection = try await context.environment.connector.logIn(
        order, settings: settings)
      if let moved = connection.facts.movedTo { portals[index].movedTo = moved }
      connection.facts.portal = portal
      knownAddresses.note(connection.facts.reached)
      portals[index].lastError = nil
      loginLog.append(connection.facts.records)
      return connection
    } catch {
      portals[index].lastError = error.error
      // A portal that has moved may have moved back.
      portals[index].movedTo = nil
      loginLog.append(error.records)
      throw error
    }
  }

  /// LOGGED_IN or RECOVERING, as the sessions are.
  func settle() {
    guard phase == .loggingIn || phase == .loggedIn || phase == .recovering else { return }
    phase = sessions.contains(where: \.isLost) ? .recovering : .loggedIn
  }

  // MARK: - Logout

  /// Logs out; with `force` also while LUN files are open, whose pending I/O then fails.
  ///
  /// Bounded whatever the target does: a session that does not answer is closed.
  func logOut(force: Bool) async throws(ControlError) {
    if !force, !sessions.isEmpty, phase != .loggingOut { await waitForCloses() }
    guard phase != .loggingOut else {
      throw ControlError(.resourceBusy, .busy, "\(name) is being logged out")
    }
    let isWanted = phase != .loggedOut && !(phase == .failed && !isRetrying)
    guard isWanted else {
      throw ControlError(.socketNotConnected, .sessionNotConnected, "\(name) is not logged in")
    }
    guard force || openCounts.isEmpty || sessions.isEmpty else {
      throw ControlError(
        .resourceBusy, .busy,
        "\(openCounts.count) LUN(s) of \(name) are open; \"logout force\" ends that")
    }
    epoch += 1
    phase = .loggingOut
    attempt?.cancel()
    attempt = nil
    stopRetrying()
    filling?.cancel()
    filling = nil
    scan?.cancel()
    scheduledScan?.cancel()
    scheduledScan = nil
    let ending = sessions
    sessions = []
    for session in ending {
      session.stopRecovering()
      tell(session, "session ended: logged out")
    }
    wakeOpens()
    let files = units.values.compactMap(\.registeredHandle)
    let caches = units.values.filter(\.wantsFlush).map(\.probed.description.logicalUnitNumber)
    units.removeAll()
    publish()
    context.changes.yield(.logicalUnitsChanged(target: directoryName))
    let work = Task { await self.end(ending, closing: files, flushing: caches) }
    logout = work
    await work.value
  }

  /// The part of a logout that waits for the target, each step bounded.
  private func end(
    _ ending: [TargetSession], closing files: [LogicalUnitHandle],
    flushing caches: [LogicalUnitNumber]
  ) async {
    let flushFailure = await quiesce(files, flushing: caches, over: ending)
    await withTaskGroup(of: Void.self) { group in
      for session in ending { group.addTask { await self.end(session) } }
    }
    logout = nil
    phase = .loggedOut
    lastError = nil
    if let flushFailure { note(flushFailure) }
    publish()
    logger.info("logged out")
  }

  /// Ends one session, bounded: the reactor says goodbye where there is a connection.
  func end(_ session: TargetSession) async {
    session.stopRecovering()
    let port = context.port
    let limit = settings.sessionTimeouts.logoutMilliseconds
    let handle = session.handle
    let proof = FirstOutcome()
    let isDone = await context.bounded(.milliseconds(limit)) {
      proof.finish(await port.logout(handle) == .proven)
    }
    if !isDone {
      proof.finish(false)
      _ = await context.bounded(.seconds(1)) {
        await port.close(handle, error: .socketNotConnected)
      }
    }
    if await proof.value {
      isids.giveBack(session.isid)
    } else {
      isids.giveBack(unproven: session.remnant)
    }
    for connection in session.further { context.giveBack(unused: connection.place) }
    context.release(handle)
  }
}
