/// One run: the real reactor between a kernel and a target that are played, all from one seed.
///
/// One thread, no wall clock: what a seed does, it does every time.
package final class Simulation {
  private enum Phase: Int {
    /// Requests and faults.
    case work
    /// Nothing goes wrong any more: every path comes back.
    case heal
    /// All bytes are read, then flushed.
    case read, sync
    /// The target loses its power, and with it what is not on the medium.
    case outage
    /// All bytes are read again.
    case readAgain
    case done
  }

  private let seed: UInt64
  private let world: World
  private let checker: BlockChecker
  private let target: SimulatedTarget
  private let kernel: KernelModel
  private let control: ControlPlaneModel
  private var client: Client
  private var phase = Phase.work
  private var issued = 0
  private var syncTries = 0
  private var expected = 0
  private var errorsBefore = 0
  /// As many requests are outstanding as may be.
  private var waitsForAnswer = false

  /// - Parameters:
  ///   - bug: what is to be wrong with the initiator.
  ///   - printer: is given every event as a line.
  package init(
    seed: UInt64, bug: PlantedBug? = nil, printer: ((String) -> Void)? = nil
  ) throws {
    self.seed = seed
    world = World(seed: seed, bug: bug)
    world.trace.printer = printer
    checker = BlockChecker(world: world)
    target = SimulatedTarget(world: world, checker: checker)
    client = try Client(world: world, life: 1)
    kernel = KernelModel(world: world, checker: checker, client: client)
    control = ControlPlaneModel(world: world, target: target, client: client)
    kernel.lossCount = { [target] in target.media[$0].lossCount }
    kernel.noticedLosses = { [control] in control.noticedLosses[$0] }
    kernel.sessionLossCount = { [control] in control.lossCount }
    kernel.sessionChangeCount = { [control] in control.changeCount }
    kernel.deferredAt = { [target] in target.deferredAt }
    kernel.resetAt = { [target] in target.resetAt }
    kernel.awaySince = { [control] in control.awaySince }
    kernel.silentSince = { [control] in control.silentSince }
  }

  /// Runs to the end, or to the first rule that is broken.
  package func run() -> Outcome {
    boot()
    var rounds = 0
    var lastMoment: UInt64 = 0
    while world.violation == nil, phase != .done || client.isFlushing {
      let moments = [world.nextMoment, client.deadline, kernel.deadline].compactMap { $0 }
      guard let next = moments.min() else {
        world.violate("nothing is planned any more, in phase \(phase)")
        break
      }
      world.advance(to: next)
      settle()
      if let sentence = kernel.overdue { world.violate(sentence) }
      rounds = world.now == lastMoment ? rounds + 1 : 0
      lastMoment = world.now
      if rounds > 20_000 { world.violate("the reactor works and time stands still") }
      if world.now > 4 * 86_400 * World.second { world.violate("four days pass without an end") }
    }
    if world.violation == nil, let leftover = client.leftover { world.violate(leftover) }
    client.stop()
    target.close()
    world.end()
    return Outcome(
      seed: seed, violation: world.violation, hash: world.trace.hash,
      eventCount: world.trace.count, requestCount: kernel.answerCount, faults: world.faults,
      lines: world.trace.lines)
  }

  private func boot() {
    world.note(.boot, world.scenario.sessionCount, UInt64(world.scenario.unitCount))
    world.isServed = false
    control.start()
    scheduleRequest()
  }

  /// Lets everybody react until nobody has anything to say.
  private func settle() {
    for _ in 0..<2_000 where world.violation == nil {
      var isBusy = client.turn()
      if kernel.collect() { isBusy = true }
      if control.collect() { isBusy = true }
      control.look()
      if waitsForAnswer, kernel.outstanding.count < world.scenario.outstandingMaximum {
        waitsForAnswer = false
        scheduleRequest()
      }
      if !world.isServed, control.areAllKnown { expose() }
      goOn()
      if !isBusy { return }
    }
    world.violate("the reactor does not come to rest")
  }

  private func expose() {
    world.isServed = true
    kernel.forgetOrphans()
    checker.beginLife()
    do { try client.expose() } catch { world.violate("\(error)") }
  }

  // MARK: - Requests

  private func scheduleRequest() {
    let pause = world.scenario.pause
    world.after(pause == 0 ? 0 : world.random.delay(upTo: pause)) { [weak self] in self?.request() }
  }

  private func request() {
    guard phase == .work, issued < world.scenario.requestCount else { return }
    guard world.isServed else {
      return world.after(10 * World.millisecond) { [weak self] in self?.request() }
    }
    guard kernel.outstanding.count < world.scenario.outstandingMaximum else {
      waitsForAnswer = true
      return
    }
    issued += 1
    if world.wants(4) { loseClient() }
    if world.wants(12) { loseTarget() }
    if world.isServed { issue() }
    if !kernel.outstanding.isEmpty, world.wants(30) {
      world.inject(.callerInterrupted)
      kernel.interrupt(world.random.below(kernel.outstanding.count))
    }
    scheduleRequest()
  }

  private func issue() {
    let unit = world.random.below(world.scenario.unitCount)
    let total = world.scenario.byteCount / Stamp.granule
    let block = world.scenario.blockLength / Stamp.granule
    if world.random.chance(80), !world.scenario.neverSyncs { return kernel.sync(unit: unit) }
    // Most requests are about the same few blocks.
    let area = world.random.chance(700) ? min(total, 4 * block) : total
    var first = world.random.below(area)
    var count = world.random.within(1...min(area - first, 16 * block, 256))
    if world.random.chance(world.scenario.isMostlyAligned ? 900 : 200) {
      first = first / block * block
      count = max(block, min((count + block - 1) / block * block, area - first))
    }
    if world.random.chance(450) {
      kernel.read(unit: unit, granules: first..<first + count)
    } else {
      kernel.write(
        unit: unit, granules: first..<first + count, isDurable: world.random.chance(150))
    }
  }

  // MARK: - Losses of power

  private func loseTarget() {
    guard !target.isDown else { return }
    let losesPower = world.random.chance(700)
    world.inject(losesPower ? .targetPowerLost : .targetRestarted)
    target.goDown(
      for: world.random.delay(upTo: 40 * World.second), losesPower: losesPower)
  }

  /// The daemon is gone from one moment to the next, and started again.
  private func loseClient() {
    world.inject(.clientPowerLost)
    world.note(.powerLost, 0)
    restartClient()
  }

  private func restartClient() {
    do {
      client = try Client(world: world, life: client.life + 1)
    } catch {
      return world.violate("\(error)")
    }
    kernel.restart(client)
    checker.forgiveEndangered()
    control.restart(client)
    world.isServed = false
    world.note(.boot, world.scenario.sessionCount, UInt64(world.scenario.unitCount))
  }

  // MARK: - The end

  private func enter(_ next: Phase) {
    phase = next
    world.note(.phase, next.rawValue)
  }

  /// Goes on to the next phase when the present one is over.
  private func goOn() {
    guard kernel.outstanding.isEmpty else { return }
    switch phase {
    case .work:
      guard issued == world.scenario.requestCount else { return }
      world.isFaulty = false
      control.endLinks()
      enter(.heal)
    case .heal:
      guard world.isServed, control.areAllUp, !target.isDown else { return }
      enter(.read)
      readAll()
    case .read:
      checkAnswers()
      enter(.sync)
      syncAll()
    case .sync:
      // A loss that is still to be told is told once.
      guard kernel.errorCount == errorsBefore else {
        syncTries += 1
        guard syncTries < 4 else { return world.violate("fsync fails again and again") }
        return syncAll()
      }
      enter(.outage)
      target.goDown(for: World.second, losesPower: true, losesAll: true)
    case .outage:
      guard control.areAllUp, !target.isDown else { return }
      enter(.readAgain)
      readAll()
    case .readAgain:
      checkAnswers()
      enter(.done)
    case .done: return
    }
  }

  private func readAll() {
    let total = world.scenario.byteCount / Stamp.granule
    expected = kernel.answerCount
    errorsBefore = kernel.errorCount
    for unit in 0..<world.scenario.unitCount {
      for first in stride(from: 0, to: total, by: 256) {
        kernel.read(unit: unit, granules: first..<min(first + 256, total))
        expected += 1
      }
    }
  }

  private func checkAnswers() {
    if kernel.answerCount != expected { world.violate("not every read of the end was answered") }
    if kernel.errorCount != errorsBefore { world.violate("a read fails though nothing goes wrong") }
  }

  private func syncAll() {
    errorsBefore = kernel.errorCount
    for unit in 0..<world.scenario.unitCount { kernel.sync(unit: unit) }
  }
}
