import ISCSI
import Logging
package import SCSI
import SystemPackage

/// What is written to `control` files.
extension Initiator {
  package func perform(_ command: RootCommand) async throws(ControlError) {
    switch command {
    case .discover(let source): try await discover(try portal(of: source))
    case .add(let name, let portal): try await add(name, at: portal)
    case .remove(let name): try await remove(name)
    case .login(let name?): try await target(named: name).logIn()
    case .login(nil): try await logInAll()
    case .logout(let name?, let force): try await target(named: name).logOut(force: force)
    case .logout(nil, let force): try await logOutAll(force: force)
    case .rescan: try await rescanAll()
    case .shutdown: await shutdown()
    }
  }

  package func perform(
    _ command: TargetCommand, target directoryName: String
  ) async throws(ControlError) {
    let target = try target(named: directoryName)
    switch command {
    case .login(nowait: false): try await target.logIn()
    case .login(nowait: true):
      guard await target.isIdle else {
        throw ControlError(
          .fileExists, .sessionExists, "\(target.name) is logged in or being logged in")
      }
      Task { try? await target.logIn() }
    case .logout(let force): try await target.logOut(force: force)
    case .rescan:
      if let error = await target.rescan() { throw error }
      await target.forgetError()
    case .reset(let isCold): try await target.reset(isCold: isCold)
    case .remove: try await remove(directoryName)
    }
  }

  package func noteRefusal(_ error: ControlError, target directoryName: String) async {
    await targets[directoryName]?.show(error)
  }

  package func perform(
    _ command: SessionCommand, target: String, session: Int
  ) async throws(ControlError) {
    let target = try self.target(named: target)
    switch command {
    case .logout: try await target.logOutSession(number: session)
    case .drop: try await target.dropSession(number: session)
    case .nop: try await target.pingSession(number: session)
    case .logoutConnection(let connectionID):
      try await target.logOutConnection(connectionID, ofSession: session)
    case .setTimeout(let timeout, let seconds):
      try await target.set(timeout, seconds: seconds, ofSession: session)
    }
  }

  package func perform(
    _ command: LogicalUnitCommand, target: String, lun: LogicalUnitNumber
  ) async throws(ControlError) {
    let target = try self.target(named: target)
    switch command {
    case .rescan: try await target.rescan(lun)
    case .reset: try await target.reset(lun)
    case .flush: try await target.flush(lun)
    case .offline(let force): try await target.takeOffline(lun, force: force)
    case .online: try await target.takeOnline(lun)
    case .setTimeout(let seconds): try await target.setTimeout(seconds: seconds, of: lun)
    }
  }

  // MARK: - Targets

  /// The target with this directory name, or this name.
  private func target(named name: String) throws(ControlError) -> Target {
    guard let target = targets[name] ?? targets[ISCSIName.directoryName(of: name)] else {
      throw ControlError(
        .noSuchFileOrDirectory, .noObjectsFound, "no target \(name.excerpt) is known")
    }
    return target
  }

  /// Finds the targets of a portal; new ones are logged in to where logins are automatic.
  ///
  /// Returns when those have been tried.
  func discover(_ portal: Portal) async throws(ControlError) {
    let outcome: DiscoveryOutcome
    do {
      outcome = try await context.environment.connector.discover(
        at: portal, settings: context.settings)
    } catch {
      context.events.post(portal.address, "discovery failed: \(error.line)")
      throw error
    }
    let found = outcome.targets
    context.events.post(portal.address, "discovery: \(found.count) target(s)")
    guard ending == nil else {
      throw ControlError(.canceled, .generic, "the mount is ending")
    }
    context.logger.info("\(portal.address) tells of \(found.count) target(s)")
    for warning in outcome.warnings { context.logger.warning("\(portal.address): \(warning)") }
    var fresh: [Target] = []
    for item in found where ending == nil {
      if let known = targets[item.name.directoryName] {
        await known.add(item.portals)
      } else {
        fresh.append(await insert(item.name, item.portals))
      }
    }
    if !fresh.isEmpty { context.changes.yield(.targetsChanged) }
    guard context.settings.loginPolicy == .automatic, ending == nil else { return }
    await eachAtOnce(fresh) { await $0.keepLoggedIn() }
    let waitingCount = context.sessionQueue.count
    if waitingCount > 0 {
      let reason = LoginFailure.noPlace(of: context.registry.sessionCount).error.sentence
      context.logger.warning("\(waitingCount) target(s) wait: \(reason)")
    }
  }

  private func insert(_ name: ISCSIName, _ portals: [Portal]) async -> Target {
    let target = Target(name: name, portals: portals, context: context)
    targets[target.directoryName] = target
    await target.publish()
    return target
  }

  private func add(_ name: String, at address: String) async throws(ControlError) {
    let parsed: ISCSIName
    do {
      parsed = try ISCSIName(name)
    } catch {
      throw ControlError(.invalidArgument, .invalid, error.sentence)
    }
    // Targets may call themselves otherwise; a person who does has mistyped.
    guard parsed.isPlain else {
      throw ControlError(
        .invalidArgument, .invalid, "\"\(name.excerpt)\" is no iqn., eui. or naa. name")
    }
    let portal = try portal(of: address)
    guard ending == nil else {
      throw ControlError(.canceled, .generic, "the mount is ending")
    }
    if let known = targets[parsed.directoryName] {
      await known.add([portal])
    } else {
      _ = await insert(parsed, [portal])
      context.changes.yield(.targetsChanged)
    }
  }

  private func remove(_ name: String) async throws(ControlError) {
    let target = try target(named: name)
    try await target.retire()
    targets[target.directoryName] = nil
    context.changes.yield(.targetsChanged)
  }

  /// A portal as people write it.
  private func portal(of source: String) throws(ControlError) -> Portal {
    if source.hasPrefix("isns://") || source.hasPrefix("slp://") {
      throw ControlError(
        .notSupportedOnSocket, .unknownDiscoveryType,
        "\(source.excerpt): discovery by iSNS or SLP is not supported")
    }
    do {
      return try Portal(parsing: source, allowsScope: true)
    } catch {
      throw ControlError(.invalidArgument, .invalid, error.sentence)
    }
  }

  // MARK: - All targets

  /// Logs in to every target that is not; the first error is told after all were tried.
  private func logInAll() async throws(ControlError) {
    try await eachTarget { (target) throws(ControlError) in
      guard await target.isIdle else { return }
      try await target.logIn()
    }
  }

  private func logOutAll(force: Bool) async throws(ControlError) {
    // Nobody takes the places that are given back.
    context.sessionQueue.removeAll()
    try await eachTarget { (target) throws(ControlError) in
      do throws(ControlError) {
        try await target.logOut(force: force)
      } catch {
        guard error.errno == .socketNotConnected else { throw error }
      }
    }
  }

  private func rescanAll() async throws(ControlError) {
    try await eachTarget { (target) throws(ControlError) in
      guard await !target.isIdle else { return }
      if let error = await target.rescan() { throw error }
    }
  }

  /// Does something with every target, several at once, and throws the first error at the end.
  private func eachTarget(
    _ body: @escaping @Sendable (Target) async throws(ControlError) -> Void
  ) async throws(ControlError) {
    let failures = FirstFailure()
    await eachAtOnce(Array(targets.values)) { target in
      do throws(ControlError) {
        try await body(target)
      } catch {
        failures.note(error)
      }
    }
    if let error = failures.first { throw error }
  }

  /// Does something with each of `targets`, a bounded number at once.
  private func eachAtOnce(
    _ targets: [Target], _ body: @escaping @Sendable (Target) async -> Void
  ) async {
    await withTaskGroup(of: Void.self) { group in
      var rest = targets[...]
      for target in rest.prefix(Self.loginsAtOnce) { group.addTask { await body(target) } }
      rest = rest.dropFirst(Self.loginsAtOnce)
      while await group.next() != nil {
        if let target = rest.popFirst() { group.addTask { await body(target) } }
      }
    }
  }
}
