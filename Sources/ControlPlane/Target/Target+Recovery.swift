import ISCSI
import Logging
import Reactor
import SCSI
import SystemPackage

/// Coming back after a session was lost.
extension Target {
  /// The reactor gave a connection up and has parked its tasks, or left them at the target
  /// (`keepsTasks`).
  ///
  /// - Parameter silence: how long they had waited for a target that said nothing.
  func sessionLost(
    _ handle: SessionHandle, _ failure: SessionFailure, silentMilliseconds silence: UInt64,
    keepsTasks: Bool = false
  ) {
    guard let index = sessions.firstIndex(where: { $0.handle == handle }) else { return }
    sessions[index].counts.losses += 1
    sessions[index].keepsTasks = keepsTasks
    for place in sessions[index].takeFurther() { context.giveBack(unused: place) }
    // Lost again before it was back: the recovery under way sees it by the count.
    guard !sessions[index].isLost else { return }
    sessions[index].isLost = true
    let portal = sessions[index].facts.portal
    note(
      ControlError(
        .socketNotConnected, failure.errorCode,
        "session \(sessions[index].number) with \(portal.address) was lost: \(failure.sentence)"))
    tell(handle, "session lost: \(failure.sentence)")
    beginOutage(ofSessionAt: index, silentMilliseconds: silence)
    settle()
    publish()
    // A target that takes logins and drops them at once gets one a second.
    let back = sessions[index].backFor?() ?? Self.shortestStay
    var first = max(Self.shortestStay - back, .zero)
    // What it asks for now, or what was agreed on at login for a loss without warning.
    var asked = Duration.seconds(Int(sessions[index].facts.parameters.defaultTime2Wait))
    if case .requestedByTarget(let seconds) = failure { asked = .seconds(Int(seconds)) }
    // It may ask for hours; nobody's I/O waits longer than the limit.
    let limit = sessions[index].timeouts.replacementMilliseconds
    first = max(first, limit.map { min(asked, .milliseconds($0)) } ?? asked)
    // A portal that has fallen silent keeps a login waiting: where there is another, that is first.
    let isSilent = failure == .pingTimedOut
    sessions[index].recovery = Task {
      await self.recover(handle, after: first, from: isSilent ? 1 : 0)
    }
  }

  /// A command went unanswered, and the reactor has asked the target to end it.
  func escalated(
    _ handle: SessionHandle, _ function: TaskManagementRequest.Function, _ lun: LogicalUnitNumber
  ) {
    let sentence = "no answer to a command for lun\(lun.name): \(function.name) sent"
    logger.warning("\(sentence)")
    tell(handle, sentence)
  }

  /// A session that is lost sooner after its return waits for the rest of it.
  private static let shortestStay = Duration.seconds(1)

  static func stopwatch<Time: Clock<Duration>>(
    _ clock: Time
  ) -> @Sendable () -> Duration {
    let start = clock.now
    return { start.duration(to: clock.now) }
  }

  // MARK: - Opens

  /// How much longer an open waits: as long as pending I/O does, so nil while a path is there or
  /// has been away for too long (replacement_timeout).
  private var timeToWait: Duration? {
    guard !sessions.isEmpty, sessions.allSatisfy(\.isLost) else { return nil }
    guard let longest = sessions.map(\.timeToWait).max(), longest > .zero else { return nil }
    return longest
  }

  /// Lets an open wait here for the path, where its caller can be interrupted.
  ///
  /// Let go, the kernel would drop the file's cached pages and wait, deaf to every signal, for
  /// those that reads under way have locked.
  func waitForPath() async throws(Errno) {
    while let remaining = timeToWait {
      let number = nextWaitingOpen
      nextWaitingOpen += 1
      let timer = Task { [context] in
        try await context.clock.sleep(for: remaining)
        self.wakeOpen(number)
      }
      defer { timer.cancel() }
      await withTaskCancellationHandler {
        await withCheckedContinuation { continuation in
          if Task.isCancelled { return continuation.resume() }
          waitingOpens[number] = continuation
        }
      } onCancel: {
        Task { await self.wakeOpen(number) }
      }
      if Task.isCancelled { throw .interrupted }
    }
  }

  /// Lets opens look again: the path is there, given up or not wanted any more.
  func wakeOpens() {
    let waiting = waitingOpens.values
    waitingOpens = [:]
    for continuation in waiting { continuation.resume() }
  }

  private func wakeOpen(_ number: Int) {
    waitingOpens.removeValue(forKey: number)?.resume()
  }

  /// Logs the session in again under the same ISID, until it succeeds or nobody wants it any more.
  ///
  /// Only portals of the session's own group are tried: at another group's the login would make
  /// another nexus, and tasks sent over it might run beside the old ones.
  ///
  /// - Parameter start: the first portal's place among those of the group, the session's own first.
  private func recover(
    _ handle: SessionHandle, after first: Duration, from start: Int
  ) async {
    var schedule = RecoverySchedule()
    var delay = first
    var tries = 0
    while !Task.isCancelled {
      if delay > .zero {
        do { try await context.clock.sleep(for: delay) } catch { return }
      }
      guard let session = sessions.first(where: { $0.handle == handle }), session.isLost,
        !Task.isCancelled
      else { return }
      let group = portalsOfGroup(of: session)
      var known = knownAddresses
      // What answers there may have become another machine: every other round asks the name.
      known.isFirst = (tries / group.count).isMultiple(of: 2)
      let joined = await replacedSession(of: session)
      do {
        let connection = try await connect(
          isid: session.isid, portalAt: group[(start + tries) % group.count],
          expecting: session.facts.targetPortalGroupTag,
          connectionID: session.facts.connectionID, joining: joined, known: known)
        guard try await resume(handle, connection, isRejoining: joined != nil) else { return }
        break
      } catch {
        guard !Task.isCancelled else { return }
        if joined != nil, !error.isUnanswered {
          // The target has answered, and not with the session: a new one takes its place at once.
          giveUpTasks(of: handle, error.error)
          delay = .zero
          continue
        }
        delay = schedule.delay(
          isPermanent: error.isPermanent, isUrgent: error.isUnanswered && isWaitedFor(handle),
          random: context.environment.random())
        tries += 1
        let isLast = settings.reopenAttempts.map { tries >= $0 } ?? false
        noteFailedTry(handle, error.error, next: isLast ? nil : delay)
        guard isLast else { continue }
        // In a task of its own: the end of the session cancels this one.
        Task { await self.giveUp(handle, after: tries) }
        return
      }
    }
    guard !Task.isCancelled else { return }
    if let error = await rescan() { note(error) }
  }

  /// Ends a session that could not be brought back; without another, the target is logged out.
  private func giveUp(_ handle: SessionHandle, after tries: Int) async {
    guard let session = sessions.first(where: { $0.handle == handle }), session.isLost else {
      return
    }
    let event = "session given up after \(tries) attempt(s)"
    logger.warning("\(event)")
    let reason = lastError
    if sessions.count > 1 {
      await remove(session, event)
    } else {
      tell(handle, event)
      try? await logOut(force: true)
      // Somebody may have asked for it again meanwhile.
      guard phase == .loggedOut else { return }
    }
    if let reason { note(reason) }
    publish()
  }

  /// Hands the new connection to the reactor, which sends the parked tasks again as soon as the
  /// units behind it are known to be the old ones.
  ///
  /// False when the session is not wanted any more.
  ///
  /// - Parameter isRejoining: it replaces the lost one in the same session, whose tasks go on.
  private func resume(
    _ handle: SessionHandle, _ connection: consuming LoggedInConnection, isRejoining: Bool
  ) async throws(LoginFailure) -> Bool {
    guard var index = lostSession(handle) else { return false }
    let losses = sessions[index].counts.losses
    sessions[index].facts = connection.facts
    connection.handover.isHeld = true
    connection.handover.timeouts = sessions[index].timeouts
    if isRejoining {
      context.port.rejoin(handle, connection.takeHandover())
    } else {
      context.port.start(handle, connection.takeHandover())
    }
    let failure = await verifyUnits(behind: handle)
    guard let found = lostSession(handle) else { return false }
    index = found
    if let failure {
      context.port.drop(handle)
      throw LoginFailure(failure)
    }
    guard sessions[index].counts.losses == losses else {
      throw LoginFailure(
        ControlError(
          .socketNotConnected, .transport,
          "session \(sessions[index].number) was lost before it was back"))
    }
    sessions[index].isLost = false
    sessions[index].keepsTasks = false
    sessions[index].recovery = nil
    sessions[index].backFor = Self.stopwatch(context.clock)
    wakeOpens()
    context.port.resume(handle)
    endOutage(ofSessionAt: index)
    lastError = nil
    settle()
    publish()
    completeConnections(of: handle)
    return true
  }

  /// Whether callers' I/O still waits for a lost session.
  private func isWaitedFor(_ handle: SessionHandle) -> Bool {
    sessions.contains { $0.handle == handle && $0.timeToWait > .zero }
  }

  /// Where a session stands that is still to be brought back.
  private func lostSession(_ handle: SessionHandle) -> Int? {
    guard !Task.isCancelled else { return nil }
    return sessions.firstIndex { $0.handle == handle && $0.isLost }
  }

  /// The portals a session may come back through: its own first.
  func portalsOfGroup(of session: TargetSession) -> [Int] {
    let own = portals.firstIndex { $0.portal == session.facts.portal } ?? 0
    let tag = portals[own].portal.targetPortalGroupTag
    let others = portals.indices.filter { index in
      index != own && tag != nil && portals[index].portal.targetPortalGroupTag == tag
    }
    return [own] + others
  }
}

extension SessionFailure {
  /// open-iscsi's code.
  fileprivate var errorCode: InitiatorErrorCode {
    switch self {
    case .pingTimedOut, .commandTimedOut, .recoveryTimedOut, .unitTimedOut: .transportTimeout
    case .requestedByUser, .requestedByTarget, .notReassigned: .sessionNotConnected
    case .connectionClosed, .socket, .malformed, .violation: .transport
    }
  }
}
