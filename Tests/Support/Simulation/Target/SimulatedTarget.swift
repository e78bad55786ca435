import ISCSI

/// A storage device with a volatile cache, as bad as a real one may be and as the standards allow.
final class SimulatedTarget {
  let world: World
  private let checker: BlockChecker
  let media: [SimulatedMedium]
  private(set) var nexuses: [Nexus] = []
  private(set) var isDown = false
  /// Sessions that have not heard of the last loss of power.
  private var owesPowerOn: Set<Int> = []
  /// How often the same command of the same slot has failed, and when last: a client need not try
  /// for ever.
  private var failures: [[Int]: (count: Int, moment: UInt64)] = [:]
  /// How long a session is to stay away, once.
  private var waits: [Int: Int] = [:]
  /// When the last deferred error was told: it is an answered write that is lost.
  private(set) var deferredAt: UInt64?
  /// For planted bugs: what nexus losses have left undone, and writes held back.
  private var interrupted: [TargetTask] = []
  private var heldBack: [TargetTask] = []

  init(world: World, checker: BlockChecker) {
    self.world = world
    self.checker = checker
    media = (0..<world.scenario.unitCount).map {
      SimulatedMedium(world: world, unit: $0, checker: checker)
    }
  }

  // MARK: - Sessions

  /// A login with the session's ISID has come: what there was of the session is over before it is
  /// answered (RFC 7143, 6.3.5).
  func login(_ link: Link) -> Nexus {
    if world.bug != .skippedReinstatement {
      for old in nexuses where old.session == link.session { old.end() }
    }
    let nexus = Nexus(world: world, target: self, link: link)
    if owesPowerOn.remove(link.session) != nil {
      for unit in media.indices {
        nexus.attentions[unit].append((0x29, UInt8(world.random.below(2))))
      }
    } else if world.random.chance(300) {
      for unit in media.indices { nexus.attentions[unit].append((0x29, 0x07)) }
    }
    nexuses.append(nexus)
    world.note(.loggedIn, link.session)
    return nexus
  }

  /// Somebody else has heard what the units had to tell this session.
  func forgetAttentions(_ session: Int) {
    for nexus in nexuses where nexus.session == session {
      for unit in media.indices { nexus.attentions[unit] = [] }
    }
  }

  /// When a unit was last told to have been reset.
  private(set) var resetAt: UInt64?

  func noteDeferred() { deferredAt = world.now }

  func note(_ code: UInt8) {
    if code == 0x29 { resetAt = world.now }
  }

  /// A login with a TSIH: one more connection of a session, or another in the place of one; nil
  /// where the target has no such session, or no room in it.
  func join(_ link: Link, to nexus: Nexus?) -> NexusConnection? {
    guard let nexus, nexus.isAlive, nexus.session == link.session else { return nil }
    if world.wantsInRecovery(15) {
      world.inject(.joinRefused, link.session)
      return nil
    }
    return nexus.join(link)
  }

  /// Nothing is asked of it any more: connections and the tasks they have answered let go of each
  /// other.
  func close() {
    for nexus in nexuses { for connection in nexus.connections { connection.close() } }
  }

  func forget(_ nexus: Nexus) { nexuses.removeAll { $0 === nexus } }

  /// How many seconds the target has asked a session to stay away, once.
  func takeWait(_ session: Int) -> Int { waits.removeValue(forKey: session) ?? 0 }

  func ask(_ session: Int, toWait seconds: Int) { waits[session] = seconds }

  func logoutWait(_ session: Int) -> Int {
    let wait = world.random.pick([0, 0, 1, 3])
    waits[session] = wait
    return wait
  }

  // MARK: - The machine

  /// Down for a while; with the power, a volatile cache is gone.
  func goDown(for duration: UInt64, losesPower: Bool, losesAll: Bool = false) {
    guard !isDown else { return }
    if losesPower { world.note(.powerLost, 1) }
    for nexus in nexuses { nexus.end() }
    isDown = true
    heldBack = []
    for medium in media where losesPower { medium.loseCache(all: losesAll) }
    owesPowerOn = Set(0..<world.scenario.sessionCount)
    world.after(duration) { [weak self] in self?.isDown = false }
  }

  private func losePowerSoon() {
    world.after(world.random.delay(upTo: 300 * World.millisecond)) { [weak self] in
      guard let self, world.isFaulty, !isDown else { return }
      world.inject(.targetPowerLost)
      goDown(for: world.random.delay(upTo: 2 * World.second), losesPower: true)
    }
  }

  // MARK: - Commands

  /// The task of a SCSI Command; nil when it is none this device was said to know.
  func task(_ header: [UInt8]) -> TargetTask? {
    let unit = Int(header[9])
    let length = Int(header.big32(20))
    guard unit < media.count, header.big(8, 8) == UInt64(unit) << 48 else { return nil }
    let operation = header[32]
    if operation == TargetTask.testUnitReady {
      guard length == 0, header[33..<38].allSatisfy({ $0 == 0 }) else { return nil }
      return TargetTask(
        tag: header.big32(16), unit: unit, operation: operation, block: 0, blockCount: 0,
        forcesUnitAccess: false, expectedLength: 0, isWrite: false)
    }
    let isSixteen = operation & 0xE0 == 0x80
    guard isSixteen == world.scenario.supportsSixteenByteCommands || operation & 0x0F == 0x05
    else { return nil }
    let (block, count, isWrite): (UInt64, UInt64, Bool)
    switch operation {
    case 0x88: (block, count, isWrite) = (header.big(34, 8), header.big(42, 4), false)
    case 0x8A: (block, count, isWrite) = (header.big(34, 8), header.big(42, 4), true)
    case 0x28: (block, count, isWrite) = (header.big(34, 4), header.big(39, 2), false)
    case 0x2A: (block, count, isWrite) = (header.big(34, 4), header.big(39, 2), true)
    case 0x91, 0x35:
      // IMMED would answer before it is done.
      guard header[33] & 0x02 == 0, length == 0, header.big(34, 4) == 0 else { return nil }
      return TargetTask(
        tag: header.big32(16), unit: unit, operation: operation, block: 0, blockCount: 0,
        forcesUnitAccess: false, expectedLength: 0, isWrite: false)
    default: return nil
    }
    let limit = UInt64(world.scenario.blockCount)
    guard count > 0, count <= min(limit, UInt64(world.scenario.maximumTransferBlocks)),
      block <= limit - count, length == Int(count) * world.scenario.blockLength,
      header[1] & 0x60 == (isWrite ? 0x20 : 0x40),
      header[33] & 0x08 == 0 || world.scenario.supportsForceUnitAccess
    else { return nil }
    return TargetTask(
      tag: header.big32(16), unit: unit, operation: operation, block: Int(block),
      blockCount: Int(count), forcesUnitAccess: header[33] & 0x08 != 0, expectedLength: length,
      isWrite: isWrite)
  }

  /// Whether a task may fail now in a way that is tried a few times only.
  func mayFail(_ task: TargetTask) -> Bool {
    let key = [task.slot, Int(task.operation), task.unit, task.block, task.blockCount]
    var failure = failures[key, default: (0, world.now)]
    // No request lives for so long.
    if world.now - failure.moment > 400 * World.second { failure.count = 0 }
    guard failure.count < 4 else { return false }
    failures[key] = (failure.count + 1, world.now)
    return true
  }

  /// A command with what came along has arrived.
  func begin(_ task: TargetTask, of nexus: Nexus, _ header: [UInt8]) {
    if let attention = nexus.attentions[task.unit].first {
      nexus.attentions[task.unit].removeFirst()
      note(attention.code)
      return nexus.respond(
        task, status: 0x02, sense: Nexus.sense(0x06, attention.code, attention.qualifier))
    }
    if failEarly(task, of: nexus, header) { return }
    if task.isWrite { nexus.askForData(task) } else { schedule(task, of: nexus) }
  }

  /// All data are here: the task will be executed.
  func schedule(_ task: TargetTask, of nexus: Nexus) {
    switch world.bug {
    case .earlyAcknowledgement where task.isWrite:
      world.after(world.random.delay(upTo: 500 * World.millisecond)) { [weak self] in
        self?.execute(task)
      }
      return nexus.respond(task, status: 0, dataCount: task.r2tSN)
    case .reorderedOverlappingWrites where task.isWrite:
      heldBack.append(task)
      if let earlier = heldBack.first(where: { $0 !== task && $0.overlaps(task) }) {
        heldBack.removeAll { $0 === task || $0 === earlier }
        execute(task)
        execute(earlier)
      }
      world.after(200 * World.millisecond) { [weak self] in
        guard let self, heldBack.contains(where: { $0 === task }) else { return }
        heldBack.removeAll { $0 === task }
        execute(task)
      }
      return nexus.respond(task, status: 0, dataCount: task.r2tSN)
    case .droppedReplay where task.isWrite:
      task.isForgotten = interrupted.contains {
        $0.block == task.block && $0.blockCount == task.blockCount && $0.unit == task.unit
      }
      interrupted.removeAll {
        $0.block == task.block && $0.blockCount == task.blockCount && $0.unit == task.unit
      }
    default: break
    }
    var delay = world.random.delay(upTo: 4 * World.millisecond)
    if world.wants(10) {
      world.inject(.slowTask, nexus.session)
      delay += world.random.delay(upTo: 20 * World.second)
    }
    world.after(delay) { [weak self, weak nexus] in
      guard let self, let nexus, nexus.isAlive, !task.isEnded else { return }
      let data = execute(task)
      // Where much is flushed the answer to it is slow, and then the power goes.
      let isFlush = world.scenario.flushesMuch && task.isFlush
      let most = (isFlush ? 800 : 4) * World.millisecond
      world.after(world.random.delay(upTo: most)) { [weak nexus] in
        guard let nexus, nexus.isAlive, !task.isEnded else { return }
        self.answer(task, data, of: nexus)
        if isFlush, self.world.wants(100) { self.losePowerSoon() }
      }
    }
  }

  /// Does what the task is there for; returns what was read.
  @discardableResult
  private func execute(_ task: TargetTask) -> [UInt8] {
    let medium = media[task.unit]
    if task.isWrite {
      task.isExecuted = true
      world.note(.taken, 0, UInt64(task.block), UInt64(task.expectedLength))
      checkReplay(task)
      guard !task.isForgotten else { return [] }
      medium.write(block: task.block, bytes: task.data, isStable: task.forcesUnitAccess)
      return []
    }
    guard task.operation != TargetTask.testUnitReady else { return [] }
    guard !task.isFlush else {
      world.note(.flushed, 0, UInt64(task.unit))
      medium.flush()
      return []
    }
    return medium.read(block: task.block, count: task.blockCount)
  }

  /// The same bytes must not wait on another nexus of the same session.
  private func checkReplay(_ task: TargetTask) {
    guard let nexus = nexuses.first(where: { $0.tasks.contains { $0 === task } }) else { return }
    for other in nexuses where other !== nexus && other.session == nexus.session {
      guard let twin = other.tasks.first(where: { $0.isWrite && $0.overlaps(task) }) else {
        continue
      }
      world.violate(
        "a write of block \(task.block) was sent again while the old nexus lives and has one of "
          + "block \(twin.block)")
    }
  }

  /// For a planted bug: a write that goes on is sent anew as well.
  func executeAgain(_ task: TargetTask) {
    world.after(UInt64(world.random.below(3_000)) * World.millisecond) { [weak self] in
      if task.received == task.expectedLength { self?.execute(task) }
    }
  }

  /// Sends what a task has come to; where it has no connection that waits for another.
  func answer(_ task: TargetTask, _ data: [UInt8], of nexus: Nexus) {
    guard task.connection?.isAlive ?? true || task.isWrite || task.blockCount == 0 else {
      task.readData = data
      return
    }
    guard !task.isWrite, task.blockCount > 0 else {
      return nexus.respond(task, status: 0, dataCount: task.r2tSN)
    }
    var data = data
    if world.bug == .uncheckedDigest, world.random.chance(100) { data[world.random.below(64)] ^= 4 }
    if world.bug == .staleTag {
      let old = nexus.lastReads.updateValue(data, forKey: task.slot)
      if let old, old.count == data.count { data = old }
    }
    var missing = 0
    if world.wants(10), mayFail(task) {
      world.inject(.shortRead, nexus.session)
      missing = world.random.within(1...data.count / 64) * 64
      if world.bug == .ignoredResidual {
        data.replaceSubrange(
          data.count - missing..<data.count, with: repeatElement(0xAA, count: missing))
        missing = 0
      } else {
        data.removeLast(missing)
      }
    }
    let dataIn = DataInSequence(
      data, of: task, missing: missing, parameters: nexus.parameters, world: world)
    if nexus.parameters.errorRecoveryLevel > 0 { task.dataIn = dataIn }
    dataIn.send(task, of: nexus)
  }

  // MARK: - Aborts

  /// A task ends without an answer; some of a write may have been taken.
  func abort(_ task: TargetTask) {
    guard !task.isEnded else { return }
    task.isEnded = true
    guard task.isWrite, !task.isExecuted, task.hasBegun else { return }
    interrupted.append(task)
    guard world.random.chance(400) else { return }
    let length = world.scenario.blockLength
    for index in 0..<task.blockCount where world.random.chance(500) {
      let range = index * length..<(index + 1) * length
      guard task.hasArrived(range) else { continue }
      media[task.unit].write(
        block: task.block + index, bytes: Array(task.data[range]),
        isStable: task.forcesUnitAccess)
    }
  }
}
