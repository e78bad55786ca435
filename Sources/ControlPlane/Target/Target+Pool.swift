import ISCSI
import Logging
import Reactor

/// The sessions beyond the first: they add speed and ways to the target, and no LUN waits for them.
extension Target {
  /// How long a login waits for them before it says that the target is there.
  static let poolPatience = Duration.seconds(1)

  /// Logs in the sessions that are missing, going on by itself where that takes long.
  func completePool(in mine: Int) async {
    // Each reactor has a session of its own, so that no request has to change threads.
    var wanted = max(settings.sessionsPerTarget ?? context.port.lanes.count, 1)
    // Several connections were wanted and the target has sessions of one: it may have more of them.
    let asked = settings.operational.maxConnections
    if asked > 1, sessions.allSatisfy({ $0.facts.parameters.maxConnections == 1 }) {
      wanted = max(wanted, Int(asked))
    }
    guard epoch == mine, wanted > 1 else { return }
    let task = Task { await self.fillPool(with: wanted - 1, in: mine) }
    filling = task
    _ = await context.bounded(Self.poolPatience) { await task.value }
  }

  /// Logs in `missing` sessions, one after the other; what fails by the way is tried again.
  private func fillPool(with missing: Int, in mine: Int) async {
    var schedule = RecoverySchedule()
    var missing = missing
    var noted: ControlError?
    while missing > 0, epoch == mine, !sessions.isEmpty {
      do {
        try await logInSession(startingAt: sessions.count % portals.count, in: mine)
        guard epoch == mine else { return }
        missing -= 1
        if let noted, lastError == noted { lastError = nil }
        schedule = RecoverySchedule()
        settle()
        exposeAll()
        publish()
        wakeOpens()
      } catch {
        guard epoch == mine, !Task.isCancelled else { return }
        note(error.error)
        noted = error.error
        publish()
        // The target may allow fewer sessions than we want: those it has do.
        guard !error.isPermanent, !error.waitsForPlace else { break }
        let delay = schedule.delay(isPermanent: false, random: context.environment.random())
        do { try await context.clock.sleep(for: delay) } catch { return }
      }
    }
    logger.info("\(sessions.count) session(s)")
  }
}
