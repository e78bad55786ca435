import ChaosProxy
import Lab

/// A connection that is lost while its tasks stay at the target.
extension InteropRun {
  /// All of the LUNs through a proxy that resets the only connection of a session of level 2.
  mutating func reassignment() async {
    if let reason = target.spared[.reassignment] {
      return await record(.reassignment, .impossible(reason))
    }
    do {
      await record(.reassignment, try await reassign(ChaosProxy(lab, before: target.port)))
    } catch {
      await record(.reassignment, .failed(Self.line("\(error)")))
    }
  }

  private mutating func reassign(_ proxy: ChaosProxy) async throws -> Outcome {
    let mount = try await mount(through: proxy, level: 2, for: .reassignment)
    let session = "targets/\(target.open.name)/sessions/1"
    let (level, tsih) = (
      try await expect(mount, "cat \(session)/erl").value,
      try await expect(mount, "cat \(session)/tsih").value
    )
    try await flushFirst(mount)
    proxy.disturb(Disturbance(resetByteCount: 2_000_000...8_000_000))
    _ = try await write(mount, Patterns.streams, limit: .seconds(300))
    proxy.disturb(Disturbance())
    let resets = proxy.counts.resets
    guard
      await eventually(
        .seconds(20),
        { await mount.shell("cat targets/\(target.open.name)/state").value == "LOGGED_IN" })
    else { return .failed("the session is not back") }
    let end = try await expect(mount, "cat \(session)/losses \(session)/tsih").lines
    try await endSession(mount, target.open)
    try await finish(mount)
    guard resets > 0 else { return .failed("no connection was lost") }
    guard level == "2" else { return refused(.reassignment, "the level is \(level)") }
    guard end == ["0", tsih] else {
      return refused(.reassignment, "\(end[0]) of \(resets) took the session with them")
    }
    return .passed("\(resets) lost connections")
  }
}
