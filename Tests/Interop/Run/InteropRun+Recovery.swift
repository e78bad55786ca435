import ChaosProxy
import Lab

/// Data damaged on their way, in a session that agreed to ask for them again.
extension InteropRun {
  /// Connections whose data are damaged, the first so many.
  private static let damagedConnectionCount = 4

  mutating func recovery() async {
    do {
      let proxy = try ChaosProxy(lab, before: target.port) { connection, direction in
        // Who starts over for every damage gets through in the end.
        let isDamaging = connection <= Self.damagedConnectionCount
        return switch direction {
        case .toTarget:
          // SCSI Commands with immediate data and Data-Out.
          PDUDamage(
            opcodes: [0x01, 0x05], period: 31, limit: isDamaging ? 4 : 0, hasDataDigest: true)
        case .toInitiator:
          PDUDamage(
            opcodes: [0x25], period: 41, limit: isDamaging ? 60 : 0, hasDataDigest: true)
        }
      }
      let capture = try await WireCapture.start(lab, port: target.port)
      let outcome = try await recover(proxy)
      let findings = try await capture?.finish(areDataDamaged: true)
      if let findings, let first = findings.complaints.first {
        return await record(
          .recovery, .failed("\(findings.complaints.count) remarks, first: \(first.message)"))
      }
      await record(.recovery, outcome)
    } catch {
      await record(.recovery, .failed(Self.line("\(error)")))
    }
  }

  /// Writes and reads all of the LUNs through `proxy`.
  private mutating func recover(_ proxy: ChaosProxy) async throws -> Outcome {
    let mount = try await mount(
      through: proxy, level: 1, for: .recovery,
      settings: """
        node.conn[0].iscsi.DataDigest = CRC32C,None
        node.conn[0].timeo.noop_out_interval = 1
        """)
    let session = "targets/\(target.open.name)/sessions/*"
    let level = try await expect(mount, "cat \(session)/erl \(session)/connections/*/data_digest")
    let before = proxy.counts
    guard level.lines == ["1", "1"] else {
      try await endSession(mount, target.open)
      try await finish(mount)
      return refused(.recovery, "level and data digest are \(level.lines)")
    }
    try await flushFirst(mount)
    _ = try await write(mount, Patterns.big, limit: .seconds(300))
    let statistics = try await expect(mount, "grep -h -E 'snack|digest' \(session)/stats | xargs")
    let after = proxy.counts
    try await endSession(mount, target.open)
    try await finish(mount)
    let count = after.changes - before.changes
    guard after.connections == before.connections else {
      return refused(
        .recovery,
        "\(after.connections - before.connections) new connections for \(count) damaged PDUs")
    }
    return .passed("\(count) damaged PDUs, no new connection, \(statistics.value)")
  }

  /// Logs in through `proxy` with one session of a level and small data segments, and notes what it
  /// has agreed on.
  mutating func mount(
    through proxy: ChaosProxy, level: Int, for capability: Capability, settings: String = ""
  ) async throws -> MountedFileSystem {
    let file = try lab.write(
      """
      node.name = \(target.open.name)
      node.conn[0].address = 127.0.0.1
      node.conn[0].port = \(proxy.port)
      node.session.iscsi.ERL = \(level)
      node.session.nr_sessions = 1
      node.conn[0].iscsi.MaxRecvDataSegmentLength = 8192
      \(settings)

      """)
    let mount = try await MountedFileSystem.start(lab, .mount(file), options: ["login=manual"])
    try await logIn(mount, target.open)
    note(capability, agreed: try await agreed(mount, target.open))
    return mount
  }

  /// A mount's first flush also stands for what others wrote before; a loss under it is an error.
  func flushFirst(_ mount: MountedFileSystem) async throws {
    _ = try await expect(mount, "for lun in targets/\(target.open.name)/lun?; do sync $lun; done")
  }
}
