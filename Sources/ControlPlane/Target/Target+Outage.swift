import ISCSI
import LinuxIO
import Logging
import Reactor

/// What people are told of a loss: since when, until when, each try, how it ended.
extension Target {
  /// Takes note that a session is lost from now on, and has been silent for a while: callers'
  /// patience counts from when that began.
  func beginOutage(ofSessionAt index: Int, silentMilliseconds silence: UInt64) {
    let handle = sessions[index].handle
    let limit = sessions[index].timeouts.replacementMilliseconds
    let since = context.environment.wallTime().earlier(milliseconds: silence)
    var outage = SessionOutage(
      since: since, until: limit.map { since.advanced(milliseconds: $0) },
      silence: .milliseconds(silence), elapsed: Self.stopwatch(context.clock),
      isFailing: limit == 0)
    if let limit, limit > 0 {
      let rest = limit - min(limit, silence)
      outage.timer = Task { [weak self, context] in
        do { try await context.clock.sleep(for: .milliseconds(rest)) } catch { return }
        await self?.patienceEnds(handle)
      }
    }
    sessions[index].outage = outage
  }

  /// What waits for the session fails now; it is brought back all the same.
  private func patienceEnds(_ handle: SessionHandle) {
    guard let index = sessions.firstIndex(where: { $0.handle == handle }), sessions[index].isLost,
      let outage = sessions[index].outage
    else { return }
    sessions[index].outage?.isFailing = true
    let sentence =
      "lost for \(outage.waitingTime.inSeconds) (replacement_timeout): what waits for it fails"
    logger.warning("session \(sessions[index].number) \(sentence)")
    publish()
    tell(handle, sentence)
  }

  /// A login that should have brought a session back has failed; `delay` is the time to the next,
  /// nil where there is none.
  func noteFailedTry(_ handle: SessionHandle, _ error: ControlError, next delay: Duration?) {
    lastError = error
    guard let index = sessions.firstIndex(where: { $0.handle == handle }) else { return }
    sessions[index].counts.tries += 1
    sessions[index].outage?.tries += 1
    let number = sessions[index].outage?.tries ?? 1
    let next = delay.map { "; next in \($0.inSeconds)" } ?? ""
    // Each of a long row of failures is news only now and then.
    if number & (number - 1) == 0 { logger.warning("try \(number): \(error.line)") }
    publish()
    tell(handle, "login \(number) failed: \(error.line)\(next)")
  }

  /// The session is back: says how long that took.
  func endOutage(ofSessionAt index: Int) {
    guard let outage = sessions[index].outage else { return }
    outage.timer?.cancel()
    sessions[index].outage = nil
    sessions[index].counts.tries += 1
    let time = outage.elapsed()
    sessions[index].counts.time += time
    let account = "after \(time.inSeconds), login \(outage.tries + 1)"
    logger.info("session \(sessions[index].number) is back \(account)")
    tell(
      sessions[index], "session recovered: \(sessions[index].facts.portal.address) \(account)")
  }

  /// What the sessions that are lost come to; nil while none is.
  var outage: Outage? {
    let outages = sessions.filter(\.isLost).compactMap(\.outage)
    guard let since = outages.map(\.since.nanoseconds).min() else { return nil }
    let waiting = outages.filter { !$0.isFailing }
    let ends = (waiting.isEmpty ? outages : waiting).compactMap(\.until?.nanoseconds)
    let patience: Outage.Patience
    if let end = ends.min().map(WallTime.init(nanoseconds:)) {
      let serves = sessions.contains { !$0.isLost }
      patience = !waiting.isEmpty ? .until(end) : serves ? .none : .failingSince(end)
    } else {
      patience = .forEver
    }
    return Outage(since: WallTime(nanoseconds: since), patience: patience)
  }
}

extension Duration {
  var inMilliseconds: UInt64 {
    let (seconds, attoseconds) = components
    return UInt64(max(seconds, 0)) * 1000 + UInt64(max(attoseconds, 0) / 1_000_000_000_000_000)
  }

  /// "12.3 s", rounded down.
  var inSeconds: String {
    let (seconds, attoseconds) = components
    return "\(seconds).\(attoseconds / 100_000_000_000_000_000) s"
  }
}
