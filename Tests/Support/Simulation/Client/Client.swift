import FUSE
import Glibc
import ISCSI
import LinuxIO
import LogicalUnit
import SCSI
import Synchronization
import Wire

@testable import Reactor

/// One life of the daemon: the real reactor, turned by hand, with a socket pair as /dev/fuse.
final class Client {
  let port: ReactorPort
  private var reactor: Reactor
  /// The kernel's end.
  let kernel: SocketEnd
  /// Told apart from the other lives of the same daemon.
  let life: UInt16
  private let world: World

  enum Failure: Error { case noMemory }

  init(world: World, life: UInt16) throws {
    self.world = world
    self.life = life
    guard let pair = SocketEnd.pair(SOCK_SEQPACKET, sendBytes: 4 << 20) else {
      throw Failure.noMemory
    }
    kernel = pair.0
    let scenario = world.scenario
    var limits = IOLimits()
    limits.requestSlots = scenario.slotCount
    limits.controlSlots = 2
    // Further connections have places that sessions could have.
    limits.sessions = scenario.recovery == nil ? 4 : 12
    limits.logicalUnits = 4
    limits.receiveBytes = scenario.receiveBytes
    limits.transmitEntries = scenario.transmitEntries
    limits.unflushedBytes = scenario.unflushedBytes
    port = try ReactorPort(limits: limits)
    let coldQueue = try ColdQueue()
    // Nobody serves the cold side: interrupts of requests that are over end there.
    coldQueue.close()
    reactor = try Reactor(
      limits: limits, port: port, fuse: OwnedDescriptor(owning: pair.theirs),
      coldQueue: coldQueue)
    try reactor.watch()
  }

  func session(_ index: Int) -> SessionHandle {
    SessionHandle(index: UInt16(index), generation: life)
  }

  func node(of unit: Int) -> UInt64 {
    LogicalUnitHandle(index: UInt16(unit), generation: life).nodeID
  }

  /// Serves the LUNs' files.
  func expose() throws {
    let scenario = world.scenario
    for unit in 0..<scenario.unitCount {
      port.expose(
        LogicalUnitHandle(index: UInt16(unit), generation: life),
        LogicalUnitRegistration(
          sessions: (0..<scenario.sessionCount).map { session($0) },
          lun: LogicalUnitNumber(number: UInt16(unit)),
          geometry: try Geometry(
            logicalBlockLength: UInt32(scenario.blockLength),
            lastLogicalBlockAddress: LogicalBlockAddress(UInt64(scenario.blockCount - 1)),
            maximumTransferBlocks: UInt32(scenario.maximumTransferBlocks)),
          isWriteProtected: false,
          supportsForceUnitAccess: scenario.supportsForceUnitAccess,
          hasVolatileCache: scenario.hasVolatileCache && world.bug != .unflushedSync,
          supportsSixteenByteCommands: scenario.supportsSixteenByteCommands,
          queueDepth: scenario.queueDepth, flushesUnasked: scenario.flushesUnasked))
    }
  }

  /// One turn at this moment; false when there was nothing to do.
  func turn() -> Bool {
    let count = reactor.poll.wait(timeoutMilliseconds: 0)
    let isDue = reactor.timeout(at: MonotonicTime(nanoseconds: world.now)) == 0
    guard count > 0 || isDue else { return false }
    let flushed = world.bug == .lateBackgroundRelease ? flushingUnits : []
    reactor.turn(eventCount: count, at: world.now)
    for unit in flushed where !flushingUnits.contains(unit) {
      let shared = port.sharedUnits
      _ = shared.flushed(unit, upTo: shared.epoch(unit), sentAt: shared.position(unit))
    }
    return true
  }

  /// The units of flushes that nobody has asked for.
  private var flushingUnits: [Int] {
    (0..<reactor.slots.requestCount).filter {
      reactor.slots[$0].kind != .free && reactor.slots[$0].isUnasked
    }.map { Int(reactor.slots[$0].unit) }
  }

  /// Plants a bug in what the reactor remembers of writes that are not flushed.
  func plantAtLoss() {
    let shared = port.sharedUnits
    for unit in 0..<world.scenario.unitCount where shared.hasUnflushed(unit) {
      if world.bug == .skippedReadBack { shared.settle(unit, upTo: 0, flushSentAt: 0) }
      if world.bug == .doubtIsLoss { shared.oweError(unit) }
      if world.bug == .unreadIsFound {
        shared.unflushed.withLock { log in
          guard log.found(unit).nextBlock > 0 else { return }
          log.noteFound(
            unit, 0..<UInt64.max, flushSentAt: log.position(unit), oldest: log.position(unit))
        }
      }
    }
  }

  /// The same when a request has been answered with success.
  func plant(after request: KernelModel.Request) {
    let (shared, unit) = (port.sharedUnits, request.unit)
    if world.bug == .lateRelease, request.kind == .sync {
      _ = shared.flushed(unit, upTo: shared.epoch(unit), sentAt: shared.position(unit))
    }
    if world.bug == .overwrittenRemembered, request.kind == .write {
      // What had been there at the start counts as the last that was written.
      let length = world.scenario.blockLength
      let first = request.granules.lowerBound * Stamp.granule / length
      let bytes = Stamp.bytes(
        write: 0, granule: first * length / Stamp.granule | unit << 24,
        count: length / Stamp.granule)
      var checksum = CRC32C()
      unsafe checksum.update(bytes.span.bytes)
      var value = checksum.value
      _ = unsafe shared.remember(
        unit, BlockRange(first: LogicalBlockAddress(UInt64(first)), count: 1), checksums: &value,
        blockShift: UInt8(length.trailingZeroBitCount), sentAt: shared.position(unit))
    }
  }

  /// When the reactor wants to look again; nil: when something comes.
  var deadline: UInt64? {
    let milliseconds = reactor.timeout(at: MonotonicTime(nanoseconds: world.now))
    return milliseconds < 0 ? nil : world.now + UInt64(milliseconds) * World.millisecond
  }

  /// Whether a connection has brought nothing for longer than healthy ones ever take.
  var isSilent: Bool {
    for place in 0..<reactor.connections.count
    where reactor.connections[place].state != .closed
      && world.now >= reactor.connections[place].receivedAt + World.second
    {
      return true
    }
    return false
  }

  func isLost(_ session: Int) -> Bool { reactor.sessions[session].state == .lost }

  /// Whether a lost session's tasks wait for a connection that replaces its only one.
  func awaitsLogin(_ session: Int) -> Bool {
    reactor.sessions[session].recovering & 1 << UInt64(session) != 0
      && reactor.connections[session].recovery.step == .awaitingLogin
  }

  /// The CIDs of a session's connections.
  func connectionIDs(_ session: Int) -> [UInt16] { ids(reactor.sessions[session].connections) }

  /// Those of connections that are lost and whose tasks are to go on over others.
  func recoveringIDs(_ session: Int) -> [UInt16] { ids(reactor.sessions[session].recovering) }

  private func ids(_ places: UInt64) -> [UInt16] {
    (0..<reactor.connections.count).filter { places & 1 << UInt64($0) != 0 }
      .map { reactor.connections[$0].connectionID }
  }

  /// The place of one of a session's connections.
  func place(_ session: Int, _ connectionID: UInt16) -> SessionHandle {
    guard connectionID > 0 else { return self.session(session) }
    let index = world.scenario.sessionCount + 2 * session + Int(connectionID) - 1
    return SessionHandle(index: UInt16(index), generation: life)
  }

  /// A flush that nobody has asked for, and waits for, is under way.
  var isFlushing: Bool { !flushingUnits.isEmpty }

  /// What is left where nothing may be left: a sentence, nil when all is well.
  var leftover: String? {
    if reactor.slots.busyCount > 0 { return "\(reactor.slots.busyCount) slots are busy" }
    if reactor.delayedCount > 0 { return "a command is still delayed" }
    if reactor.rewritesWaiting > 0 { return "a rewrite still waits" }
    if reactor.locks.parkedCount > 0 { return "a range lock is still waited for" }
    if reactor.managementCount > 0 { return "a task management function is still under way" }
    for unit in 0..<world.scenario.unitCount where reactor.units[unit].busyCount > 0 {
      return "LUN \(unit) is still busy"
    }
    for unit in 0..<world.scenario.unitCount where reactor.units[unit].queue.admittedCount > 0 {
      return "LUN \(unit) still has places taken"
    }
    for session in 0..<world.scenario.sessionCount {
      if !reactor.sessions[session].pending.isEmpty { return "session \(session) has a queue" }
      if reactor.sessions[session].recovering != 0 { return "session \(session) recovers" }
      if reactor.sessions[session].inFlightCount > 0 {
        return "session \(session) has tasks in flight"
      }
    }
    return nil
  }

  /// Ends the reactor as its thread does.
  func stop() {
    port.stop()
    _ = turn()
    reactor.end()
  }
}
