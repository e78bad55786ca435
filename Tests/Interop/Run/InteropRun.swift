import FoundationEssentials
import Lab

/// Has one target do everything, through the mounted tree and nothing else.
struct InteropRun {
  let lab: Lab
  let target: TargetUnderTest
  let say: @MainActor (String) -> Void

  private(set) var outcomes: [Capability: Outcome] = [:]
  /// What each kind of session agreed on.
  private(set) var negotiated: [(session: String, text: String)] = []
  /// Whether both order keys were answered Yes, and nobody knows yet who wanted that.
  var orderIsOpen = false

  init(_ lab: Lab, _ target: TargetUnderTest, say: @escaping @MainActor (String) -> Void) {
    self.lab = lab
    self.target = target
    self.say = say
  }

  /// Every capability, the wire watched meanwhile.
  ///
  /// - Parameter losesConnections: minutes more, of waiting for targets.
  mutating func run(losesConnections: Bool = true) async throws {
    let capture = try await WireCapture.start(lab, port: target.port)
    await record(.discovery, discovery())
    try await openSession()
    await authentication()
    await digests()
    await modes()
    await newKeys()
    await idling()
    await anyOrder()
    await connections()
    await guardedDiscovery()
    guard let capture else {
      await record(.wire, .impossible("tshark is not installed"))
      return
    }
    let findings = try await capture.finish()
    if orderIsOpen, findings.keys.contains("DataPDUInOrder=No") {
      await record(.anyOrder, refused(.anyOrder, "the target answered Yes"))
    }
    if case .passed = outcomes[.pings] { await record(.pings, findings.pingOutcome) }
    await record(.wire, findings.outcome)
    await recovery()
    if losesConnections { await reassignment() }
  }

  mutating func record(_ capability: Capability, _ outcome: Outcome) async {
    outcomes[capability] = outcome
    await say("  \(capability.rawValue): \(outcome.cell)")
  }

  /// What a limit forgives, and nothing else.
  func refused(_ capability: Capability, _ sentence: String) -> Outcome {
    target.limits[capability].map { .impossible($0) } ?? .failed(sentence)
  }

  private func discovery() async -> Outcome {
    let wanted = target.nodes.map {
      "\(target.address),\(target.portalGroupTag) \($0.name)"
    }.sorted()
    return await attempt {
      let result = try await discover(target.port, [])
      guard result.status == 0, result.lines.sorted() == wanted else {
        throw InteropFailure(result.output)
      }
      return "\(wanted.count) targets"
    }
  }

  /// One session: login, scan, patterns, big transfers, logout.
  private mutating func openSession() async throws {
    let steps: [Capability] = [
      .login, .scan, .patterns, .bigTransfers, .depth, .logout,
    ]
    let mount: MountedFileSystem
    do {
      mount = try await self.mount([])
      try await logIn(mount, target.open)
      negotiated.append(("plain", try await agreed(mount, target.open)))
      await record(.login, .passed(""))
    } catch {
      for step in steps { await record(step, .failed(Self.line("\(error)"))) }
      return
    }
    await record(.scan, attempt { try await scan(mount) })
    await record(
      .patterns, attempt { try await write(mount, Patterns.integrity, limit: .seconds(300)) })
    await record(
      .bigTransfers, attempt { try await write(mount, Patterns.big, limit: .seconds(120)) })
    await record(.depth, attempt { try await queue(mount) })
    await record(.logout, attempt { try await logOut(mount) })
    try await finish(mount)
  }

  private func scan(_ mount: MountedFileSystem) async throws -> String {
    let directory = "targets/\(target.open.name)"
    let wanted = target.open.units.map { "lun\($0.lun) \($0.byteCount) \($0.blockSize)" }
    let result = try await expect(
      mount,
      """
      cd \(directory) || exit
      for file in lun*; do
        [ -f $file ] || continue
        echo "$file $(stat -c %s $file) $(cat $file.info/logical_block_size)"
      done
      """)
    guard result.lines == wanted else {
      throw InteropFailure("\(wanted) expected, there are \(result.lines)")
    }
    let kind = try await expect(mount, "cd \(directory) && cat lun*.info/model | sort -u | tail -1")
    return "\(wanted.count) LUNs, \(kind.value)"
  }

  /// Runs a pattern on every LUN of the open target and compares with what the target stored.
  func write(
    _ mount: MountedFileSystem, _ script: String, limit: Duration
  ) async throws -> String {
    for unit in target.open.units {
      try Task.checkCancellation()
      let model = lab.fresh("model")
      let file = "$M/targets/\(target.open.name)/lun\(unit.lun)"
      let result = try await expect(
        mount, "F=\(file) R=\(model) S=\(unit.byteCount)\n\(script)", limit: limit)
      let sum = result.lines.last?.split(separator: " ").first.map(String.init)
      let stored = try await target.open.checksum(unit.lun)
      guard sum == stored else {
        throw InteropFailure("LUN \(unit.lun): what is stored differs from what was written")
      }
      _ = await lab.shell("rm -f \(model) \(model).piece")
    }
    return ""
  }

  /// fio as an oracle: every block carries its own checksum.
  private func queue(_ mount: MountedFileSystem) async throws -> String {
    for unit in target.open.units {
      _ = try await expect(
        mount,
        """
        # A colon would be the end of a name to fio.
        F=targets/\(target.open.name)/lun\(unit.lun)
        fio --name=queue --filename=${F//:/\\\\:} --rw=randwrite \
          --bsrange=512-64k --blockalign=512 --size=\(unit.byteCount) --io_size=8M \
          --ioengine=libaio --iodepth=32 --direct=1 --verify=crc32c --verify_fatal=1 \
          --verify_dump=0 --randseed=9 --end_fsync=1 --minimal
        """, limit: .seconds(180))
    }
    return ""
  }

  private func logOut(_ mount: MountedFileSystem) async throws -> String {
    try await endSession(mount, target.open)
    let result = try await expect(mount, "cd targets/\(target.open.name) && cat state && ls")
    guard result.lines.first == "LOGGED_OUT", !result.lines.contains(where: { $0.hasPrefix("lun") })
    else { throw InteropFailure(Self.line(result.output)) }
    guard let sessionCount = target.sessionCount else { return "" }
    let isGone = try await eventually(.seconds(5)) { try await sessionCount() == 0 }
    guard isGone else { throw InteropFailure("the target still has a session") }
    return ""
  }

  /// A mount of its own with `settings`, one session, a little data, a look, a logout.
  func session(
    _ node: TargetUnderTest.Node, _ settings: [String], byteCount: Int = 1 << 20,
    look: (MountedFileSystem) async throws -> Outcome = { _ in .passed("") }
  ) async -> Session {
    do {
      let mount = try await self.mount(settings)
      var outcome: Outcome
      var agreed: String?
      do {
        try await logIn(mount, node)
        agreed = try await self.agreed(mount, node)
        let file = "$M/targets/\(node.name)/lun\(node.units[0].lun)"
        _ = try await expect(
          mount, "F=\(file) R=\(lab.fresh("model")) S=\(byteCount)\n\(Patterns.short)")
        outcome = try await look(mount)
        try await endSession(mount, node)
      } catch {
        outcome = .failed(Self.line("\(error)"))
      }
      try await finish(mount)
      return Session(outcome: outcome, agreed: agreed)
    } catch let refusal as ManagedProcess.Failure where refusal.isOfSettings {
      return Session(
        outcome: .impossible("the mount refuses it: \(Self.line(refusal.description, lines: 1))"))
    } catch {
      return Session(outcome: .failed(Self.line("\(error)")))
    }
  }

  /// What a mount of its own came to.
  struct Session {
    var outcome: Outcome
    /// What was negotiated, where there was a session.
    var agreed: String?
  }

  mutating func record(
    _ capability: Capability, _ session: Session, _ outcome: Outcome? = nil
  ) async {
    if let agreed = session.agreed { negotiated.append((capability.rawValue, agreed)) }
    await record(capability, outcome ?? session.outcome)
  }

  mutating func note(_ capability: Capability, agreed: String) {
    negotiated.append((capability.rawValue, agreed))
  }

  func attempt(_ step: () async throws -> String) async -> Outcome {
    do { return .passed(try await step()) } catch { return .failed(Self.line("\(error)")) }
  }

  /// The end of what was said, as one line that fits a table.
  static func line(_ text: String, lines count: Int = 2) -> String {
    let lines = text.split(separator: "\n").filter { !$0.isEmpty }.suffix(count)
    return String(lines.joined(separator: "; ").replacing("|", with: "/").prefix(300))
  }
}

extension ManagedProcess.Failure {
  /// Whether a mount was refused for what it was told, before it reached anybody.
  fileprivate var isOfSettings: Bool { [64, 78, 79].contains(status) }
}
