import Lab

/// Several connections in one session.
extension InteropRun {
  private static let wanted = 4

  /// All of the LUNs written over a session of several connections; a target that has one
  /// connection a session gets as many sessions instead.
  mutating func connections() async {
    let session = await session(
      target.open,
      [
        "node.session.iscsi.MaxConnections = \(Self.wanted)", "node.session.nr_sessions = 1",
        "node.conn[0].iscsi.HeaderDigest = CRC32C,None",
      ]
    ) { mount in
      let sessions = "targets/\(target.open.name)/sessions"
      let script = "ls -d \(sessions)/*/connections/* | wc -l; ls \(sessions) | wc -l"
      let isComplete = await eventually(.seconds(10)) {
        await mount.shell(script).lines.first == "\(Self.wanted)"
      }
      let counts = try await expect(mount, script).lines
      guard isComplete else {
        return .failed("\(counts[0]) connection(s) in \(counts[1]) session(s)")
      }
      _ = try await write(mount, Patterns.big, limit: .seconds(120))
      // Every one of them has brought answers.
      let numbers = try await expect(
        mount, "for c in \(sessions)/*/connections/*; do cat $c/statsn; done | sort -n | head -1")
      guard let fewest = Int(numbers.value), fewest > 0 else {
        return .failed("a connection is at StatSN \(numbers.value)")
      }
      guard counts[1] == "1" else {
        return .impossible("one connection a session: \(counts[1]) sessions instead")
      }
      return .passed("\(Self.wanted) connections")
    }
    await record(.connections, session.outcome)
  }
}
