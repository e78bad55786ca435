import Lab

/// CHAP, one way and both, of sessions and of discovery.
extension InteropRun {
  /// Settings of CHAP below `name`: who we are, and who the target has to be.
  private static func credentials(_ name: String) -> (mine: [String], theirs: [String]) {
    (
      [
        "\(name).authmethod = CHAP", "\(name).username = \(Credentials.initiator.user)",
        "\(name).password = \(Credentials.initiator.password)",
      ],
      [
        "\(name).username_in = \(Credentials.target.user)",
        "\(name).password_in = \(Credentials.target.password)",
      ]
    )
  }

  /// Discovery with a secret of its own; the last thing asked, since it stays so.
  mutating func guardedDiscovery() async {
    let outcome = await attempt {
      let port = try await target.guardDiscovery()
      let (mine, theirs) = Self.credentials("discovery.sendtargets.auth")
      let open = try await discover(port, [])
      guard open.status != 0, !open.output.contains(target.mutual.name) else {
        throw InteropFailure("without a secret: \(open.output)")
      }
      let oneWay = try await discover(port, mine)
      guard oneWay.status == 0, oneWay.output.contains(target.mutual.name) else {
        throw InteropFailure(oneWay.output)
      }
      let mutual = try await discover(port, mine + theirs)
      if [64, 78, 79].contains(mutual.status) { return "one way" }
      guard mutual.status == 0, mutual.output.contains(target.mutual.name) else {
        throw InteropFailure("mutual: \(mutual.output)")
      }
      return "one way and mutual"
    }
    await record(.guardedDiscovery, outcome)
  }

  func discover(_ port: UInt16, _ settings: [String]) async throws -> ShellResult {
    let file = try lab.write(settings.joined(separator: "\n") + "\n")
    let flags = MountedFileSystem.flags(lab, ["config=\(file)"]).joined(separator: " ")
    return await lab.shell("'\(lab.program)' discover 127.0.0.1:\(port) \(flags)")
  }

  mutating func authentication() async {
    let name = "node.session.auth"
    let (mine, theirs) = Self.credentials(name)
    let algorithms = "\(name).chap_algs = SHA256,MD5"
    var chap = await session(target.authenticating, mine + [algorithms])
    if case .impossible = chap.outcome {
      chap = await session(target.authenticating, mine)
    }
    let wrong = mine.dropLast() + ["\(name).password = incorrect-horse-9"]
    let rejected = await rejection(target.authenticating, Array(wrong))
    await record(.chap, chap, merged(chap.outcome, rejected))
    let mutual = await session(target.mutual, mine + theirs)
    if case .passed = mutual.outcome {
      // A target that does not know its secret is not the one we mean.
      let impostor = mine + theirs.dropLast() + ["\(name).password_in = bottery-staple-7"]
      let refused = await rejection(target.mutual, impostor)
      await record(.mutual, mutual, merged(mutual.outcome, refused))
    } else {
      await record(.mutual, mutual)
    }
  }

  private func merged(_ outcome: Outcome, _ second: Outcome) -> Outcome {
    if case .passed = outcome, second.isFailure { second } else { outcome }
  }

  /// Passes when nobody is let in with `settings`.
  private func rejection(_ node: TargetUnderTest.Node, _ settings: [String]) async -> Outcome {
    do {
      let mount = try await self.mount(settings)
      let result = await mount.shell("echo login > targets/\(node.name)/control")
      try await finish(mount)
      return result.status != 0 && result.output.contains("Key was rejected by service")
        ? .passed("") : .failed("a wrong secret: \(Self.line(result.output))")
    } catch {
      return .failed(Self.line("\(error)"))
    }
  }
}
