import ISCSI
import Logging
import Reactor
import SystemPackage

/// The connections of a session beyond the first: more ways for one session's commands.
///
/// No LUN waits for them. Below ErrorRecoveryLevel 2 a session is lost with any of its connections;
/// then it comes back with the first one, and gets the others again.
extension Target {
  /// Logs in the connections that a session lacks, where its target agreed to several.
  func completeConnections(of handle: SessionHandle, after delay: Duration = .zero) {
    guard let index = sessions.firstIndex(where: { $0.handle == handle }),
      !sessions[index].isLost, sessions[index].joining == nil,
      sessions[index].missingConnectionID != nil
    else { return }
    sessions[index].joining = Task { await self.addConnections(to: handle, after: delay) }
  }

  /// One connection was logged out alone: it comes back when the target may be asked.
  func connectionClosed(_ connectionID: UInt16, of handle: SessionHandle, time2Wait: UInt16) {
    guard let index = sessions.firstIndex(where: { $0.handle == handle }) else { return }
    if sessions[index].facts.connectionID == connectionID {
      sessions[index].lacksFirst = true
    } else if let position = sessions[index].further.firstIndex(where: {
      $0.facts.connectionID == connectionID
    }) {
      context.giveBack(unused: sessions[index].further.remove(at: position).place)
    } else {
      return
    }
    tell(handle, "connection \(connectionID) closed")
    publish()
    completeConnections(of: handle, after: max(.seconds(1), .seconds(Int(time2Wait))))
  }

  /// Logs in what is missing, one after the other; what fails by the way is tried again, what is
  /// refused is not: the connections there are go on.
  private func addConnections(to handle: SessionHandle, after first: Duration) async {
    var schedule = RecoverySchedule()
    var delay = first
    var tries = 0
    guard let lossCount = sessions.first(where: { $0.handle == handle })?.counts.losses else {
      return
    }
    while true {
      if delay > .zero {
        do { try await context.clock.sleep(for: delay) } catch { return }
      }
      guard let session = joinable(handle, lossCount) else { return }
      guard let connectionID = session.missingConnectionID else { break }
      do {
        try await addConnection(connectionID, to: session, attempt: tries)
        delay = .zero
        schedule = RecoverySchedule()
        tries = 0
      } catch {
        guard joinable(handle, lossCount) != nil else { return }
        logger.warning("connection \(connectionID): \(error.error.line)")
        tell(handle, "connection \(connectionID) failed: \(error.error.line)")
        publish()
        guard !error.isRefusalOfConnection, !error.waitsForPlace else { break }
        delay = schedule.delay(isPermanent: false, random: context.environment.random())
        tries += 1
      }
    }
    if let index = sessions.firstIndex(where: { $0.handle == handle }),
      sessions[index].counts.losses == lossCount
    {
      sessions[index].joining = nil
    }
  }

  /// The session while it may get a connection that was begun before so many losses.
  private func joinable(_ handle: SessionHandle, _ lossCount: Int) -> TargetSession? {
    guard !Task.isCancelled else { return nil }
    return sessions.first { $0.handle == handle && !$0.isLost && $0.counts.losses == lossCount }
  }

  private func addConnection(
    _ connectionID: UInt16, to session: TargetSession, attempt: Int
  ) async throws(LoginFailure) {
    let isFirst = connectionID == session.facts.connectionID
    let handle = session.handle
    let lent = isFirst ? nil : context.registry.makeConnection(of: handle, for: directoryName)
    guard isFirst || lent != nil else { throw .noPlace(of: context.registry.sessionCount) }
    let place = lent ?? handle
    func giveBack() { if let lent { context.giveBack(unused: lent) } }
    let numbers = await context.port.statistics(handle)
    let group = portalsOfGroup(of: session)
    let position = Int(connectionID &- session.facts.connectionID) + attempt
    do throws(LoginFailure) {
      let connection = try await connect(
        isid: session.isid, portalAt: group[position % group.count],
        expecting: session.facts.targetPortalGroupTag, connectionID: connectionID,
        joining: LoginOrder.JoinedSession(
          tsih: session.facts.tsih, parameters: session.facts.parameters,
          cmdSN: numbers?.cmdSN ?? 1))
      // Lost or logged out meanwhile: the target closes it with its session.
      guard joinable(handle, session.counts.losses) != nil,
        let index = sessions.firstIndex(where: { $0.handle == handle })
      else { return giveBack() }
      if isFirst {
        sessions[index].facts = connection.facts
        sessions[index].lacksFirst = false
      } else {
        sessions[index].further.append(.init(place: place, facts: connection.facts))
      }
      tell(handle, "connection \(connectionID) up: \(connection.facts.portal.address)")
      context.port.join(handle, at: place, connection.takeHandover())
      publish()
    } catch {
      giveBack()
      throw error
    }
  }
}

extension LoginFailure {
  /// The target will not have this connection, now or later: too many (0206h), not in this session
  /// (0208h), no such session (020Ah), or whatever else somebody has to change first.
  fileprivate var isRefusalOfConnection: Bool {
    isPermanent || status.map { $0.prospect == .afterWaiting } ?? false
  }
}
