import Lab

/// Sessions that agree on something else than the plain one.
extension InteropRun {
  mutating func digests() async {
    let session = await session(
      target.open,
      ["HeaderDigest", "DataDigest"].map { "node.conn[0].iscsi.\($0) = CRC32C,None" }
    ) { mount in
      let result = try await expect(
        mount,
        "cat targets/\(target.open.name)/sessions/*/connections/*/*_digest | sort -u | xargs")
      switch result.value {
      case "1": return .passed("CRC32C, both")
      case "0": return refused(.digests, "the target answered None")
      default: return .failed("header and data differ: \(result.value)")
      }
    }
    await record(.digests, session)
  }

  mutating func anyOrder() async {
    let session = await session(
      target.open,
      ["DataPDUInOrder", "DataSequenceInOrder"].map { "node.session.iscsi.\($0) = No" }
    ) { mount in
      let result = try await expect(
        mount, "cat targets/\(target.open.name)/sessions/*/data_*_in_order | sort -u | xargs")
      guard result.value == "0" else {
        return .impossible("this iscsifs offers Yes only")
      }
      return .passed(try await write(mount, Patterns.big, limit: .seconds(120)))
    }
    orderIsOpen = session.outcome == .impossible("this iscsifs offers Yes only")
    guard case .failed(let sentence) = session.outcome else {
      return await record(.anyOrder, session)
    }
    await record(.anyOrder, refused(.anyOrder, sentence))
  }

  /// Every way data can go with a write, and the shortest and oddest lengths.
  mutating func modes() async {
    let session = "node.session.iscsi"
    let connection = "node.conn[0].iscsi"
    var modes = [("Yes", "Yes"), ("Yes", "No"), ("No", "Yes"), ("No", "No")].map {
      [
        "\(session).InitialR2T = \($0)", "\(session).ImmediateData = \($1)",
        "\(session).FirstBurstLength = 4096",
      ]
    }
    // Lengths that are no whole words: every PDU we send has padding.
    for (first, burst, receive, transmit) in [(512, 512, 512, 512), (1001, 7777, 999, 515)] {
      modes.append([
        "\(session).FirstBurstLength = \(first)", "\(session).MaxBurstLength = \(burst)",
        "\(connection).MaxRecvDataSegmentLength = \(receive)",
        "\(connection).MaxXmitDataSegmentLength = \(transmit)",
        "\(connection).HeaderDigest = CRC32C,None", "\(connection).DataDigest = CRC32C,None",
      ])
    }
    for mode in modes {
      let session = await self.session(target.open, mode, byteCount: 128 << 10)
      guard case .passed = session.outcome else {
        let words = mode.map { $0.split(separator: ".").last.map(String.init) ?? $0 }
        let text = words.joined(separator: ", ")
        return await record(.modes, .failed("\(text): \(session.outcome.cell)"))
      }
    }
    await record(.modes, .passed("\(modes.count) ways"))
  }

  /// Offers what most targets do not know: whatever they answer, they go on working.
  mutating func newKeys() async {
    let settings = [
      "node.session.iscsi.iSCSIProtocolLevel = 2",
      "node.session.iscsi.TaskReporting = FastAbort,ResponseFence,RFC3720",
    ]
    let session = await session(target.open, settings) { mount in
      let result = try await expect(
        mount,
        "grep -h -o '^< \\(iSCSIProtocolLevel\\|TaskReporting\\)=.*' "
          + "targets/\(target.open.name)/login_log | tail -2")
      let answers = result.lines.map { $0.dropFirst(2) }
      guard !answers.isEmpty else { return .passed("it does not answer") }
      return .passed("it answers " + answers.joined(separator: ", "))
    }
    await record(.newKeys, session)
  }

  /// Says nothing for as long as the target pings, and is still there; the wire has the rest.
  mutating func idling() async {
    guard let seconds = target.idleSeconds else {
      return await record(.pings, refused(.pings, "nobody knows when it pings"))
    }
    let session = await session(target.open, ["node.conn[0].timeo.noop_out_interval = 0"]) {
      mount in
      let script = "cat targets/\(target.open.name)/sessions/*/connections/*/local_port"
      let before = try await expect(mount, script)
      try await Task.sleep(for: .seconds(seconds))
      let after = try await expect(mount, script)
      return before.value == after.value
        ? .passed("") : .failed("the connection is another one after \(seconds) s")
    }
    await record(.pings, session.outcome)
  }
}
