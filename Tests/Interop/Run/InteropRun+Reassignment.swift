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
    let file = try lab.write(
      """
      node.name = \(target.open.name)
      node.conn[0].address = 127.0.0.1
      node.conn[0].port = \(proxy.port)
      node.session.iscsi.ERL = 2
      node.session.nr_sessions = 1
      node.conn[0].iscsi.MaxRecvDataSegmentLength = 8192

      """)
    let mount = try await MountedFileSystem.start(lab, .mount(file), options: ["login=manual"])
    try await logIn(mount, target.open)
    let session = "targets/\(target.open.name)/sessions/1"
    note(.reassignment, agreed: try await agreed(mount, target.open))
    let (level, tsih) = (
      try await expect(mount, "cat \(session)/erl").value,
      try await expect(mount, "cat \(session)/tsih").value
    )
    // A mount's first flush also stands for what others wrote before; a loss under it is an error.
    _ = try await expect(mount, "for lun in targets/\(target.open.name)/lun?; do sync $lun; done")
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
