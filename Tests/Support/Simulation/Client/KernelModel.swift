import FUSE
import Glibc

/// The kernel: asks, waits, takes answers, and tells the checker of each.
final class KernelModel {
  struct Request {
    enum Kind { case read, write, sync }

    var unique: UInt64
    var kind: Kind
    var unit: Int
    var granules: Range<Int>
    var begin: UInt32
    var write: UInt32 = 0
    var isDurable = false
    var isInterrupted = false
    var startedAt: UInt64
    /// Losses that an fsync had told of when this one began, and sessions lost before.
    var lossesTold = 0
    var sessionLosses = 0
    /// No fsync of this daemon had been answered with success.
    var isFirst = false
    /// Sessions lost and come back before an fsync told of a loss.
    var changesTold = 0
    /// When the last fsync began that was answered with success before this one began.
    var lastSync: UInt32 = 0
    /// Of a planted bug: the caller's write, this being its first half.
    var rewrite: [UInt8] = []
    /// Bytes the daemon was given, where they are not the request's.
    var sentBytes: Int?
  }

  /// How long a path that is there is given for one command.
  private static let patience = 30 * World.second

  private let world: World
  private let checker: BlockChecker
  private var client: Client
  private var end: SocketEnd
  private var node: (Int) -> UInt64
  private(set) var outstanding: [Request] = []
  /// Requests of daemons that are gone.
  private var orphans: [Request] = []
  private var lastUnique: UInt64 = 2
  private(set) var answerCount = 0
  private(set) var errorCount = 0
  private var lossesTold: [Int]
  /// When an fsync last told of one.
  private var toldAt: [UInt64]
  /// How many sessions had been lost, or come back, when an fsync told of a loss.
  private var changesTold: [Int]
  /// An fsync of this daemon has been answered with success.
  private var isFlushed: [Bool]
  /// How often a unit has lost bytes, and how many of these times the client has heard of.
  var lossCount: (_ unit: Int) -> Int = { _ in 0 }
  var noticedLosses: (_ unit: Int) -> Int = { _ in 0 }
  var sessionLossCount: () -> Int = { 0 }
  var sessionChangeCount: () -> Int = { 0 }
  var resetAt: () -> UInt64? = { nil }
  var deferredAt: () -> UInt64? = { nil }
  var awaySince: () -> UInt64? = { nil }
  var silentSince: () -> UInt64? = { nil }

  init(world: World, checker: BlockChecker, client: Client) {
    self.world = world
    self.checker = checker
    self.client = client
    end = client.kernel
    node = client.node
    lossesTold = Array(repeating: 0, count: world.scenario.unitCount)
    changesTold = lossesTold
    toldAt = lossesTold.map { _ in 0 }
    isFlushed = lossesTold.map { _ in false }
  }

  /// The callers of the daemon before are gone; what they wrote may have happened.
  func restart(_ client: Client) {
    self.client = client
    isFlushed = isFlushed.map { _ in false }
    end = client.kernel
    node = client.node
    orphans += outstanding
    outstanding = []
  }

  /// The old nexuses are dead: what the old callers wrote has happened by now or never will.
  func forgetOrphans() {
    for request in orphans {
      switch request.kind {
      case .read: checker.endRead(unit: 0, granules: 0..<0, begin: request.begin, bytes: nil)
      case .write: checker.fail(request.write)
      case .sync:
        checker.endSync(
          unit: request.unit, begin: request.begin, startedAt: request.startedAt,
          isSuccess: false, tellsLoss: false)
      }
    }
    orphans = []
  }

  // MARK: - Asking

  func read(unit: Int, granules: Range<Int>) {
    let request = make(.read, unit: unit, granules: granules, begin: checker.begin())
    world.note(.readBegan, Int(request.unique), UInt64(start(granules)), UInt64(size(granules)))
    send(request, .read, transfer(request))
  }

  func write(unit: Int, granules: Range<Int>, isDurable: Bool) {
    let number = checker.beginWrite(lastUnique + 2, unit: unit, granules: granules)
    var request = make(
      .write, unit: unit, granules: granules, begin: checker.writes[Int(number)].begin)
    request.write = number
    request.isDurable = isDurable
    world.note(.writeBegan, Int(request.unique), UInt64(start(granules)), UInt64(size(granules)))
    let bytes = Stamp.bytes(
      write: number, granule: granules.lowerBound | unit << 24, count: granules.count)
    if world.bug == .unlockedRewrite, beginRewrite(&request, bytes) { return }
    send(request, .write, transfer(request) + bytes)
  }

  func sync(unit: Int) {
    var request = make(.sync, unit: unit, granules: 0..<0, begin: checker.begin())
    request.lossesTold = lossesTold[unit]
    request.sessionLosses = sessionLossCount()
    request.isFirst = !isFlushed[unit]
    request.changesTold = changesTold[unit]
    request.lastSync = checker.lastSync[unit]
    world.note(.syncBegan, Int(request.unique), UInt64(unit))
    send(request, .fsync, [UInt8](repeating: 0, count: 16))
  }

  /// The caller of one of the requests wants it over.
  func interrupt(_ index: Int) {
    outstanding[index].isInterrupted = true
    world.note(.interrupted, Int(outstanding[index].unique))
    var bytes = [UInt8]()
    bytes.append(native: outstanding[index].unique)
    post(.interrupt, unique: outstanding[index].unique | 1, node: 0, bytes)
  }

  private func start(_ granules: Range<Int>) -> Int { granules.lowerBound * Stamp.granule }
  private func size(_ granules: Range<Int>) -> Int { granules.count * Stamp.granule }

  private func make(
    _ kind: Request.Kind, unit: Int, granules: Range<Int>, begin: UInt32
  ) -> Request {
    lastUnique += 2
    return Request(
      unique: lastUnique, kind: kind, unit: unit, granules: granules, begin: begin,
      startedAt: world.now)
  }

  private func send(_ request: Request, _ opcode: FuseOpcode, _ body: [UInt8]) {
    outstanding.append(request)
    post(opcode, unique: request.unique, node: node(request.unit), body)
  }

  private func post(_ opcode: FuseOpcode, unique: UInt64, node: UInt64, _ body: [UInt8]) {
    var bytes = [UInt8]()
    bytes.reserveCapacity(40 + body.count)
    bytes.append(native: UInt32(40 + body.count))
    bytes.append(native: opcode.rawValue)
    bytes.append(native: unique)
    bytes.append(native: node)
    bytes += [UInt8](repeating: 0, count: 16)
    bytes += body
    if !end.send(bytes) { world.violate("the reactor has closed /dev/fuse") }
  }

  /// fuse_read_in, fuse_write_in.
  private func transfer(_ request: Request) -> [UInt8] {
    let tellsDurable = request.isDurable && world.bug != .ignoredDurability
    var bytes = [UInt8]()
    bytes.append(native: 1 as UInt64)
    bytes.append(native: UInt64(start(request.granules)))
    bytes.append(native: UInt32(size(request.granules)))
    bytes.append(native: 0 as UInt32)
    bytes.append(native: 0 as UInt64)
    bytes.append(native: tellsDurable ? UInt32(bitPattern: O_DSYNC) : 0)
    bytes.append(native: 0 as UInt32)
    return bytes
  }

  // MARK: - Answers

  /// Takes what the daemon has answered; true when there was something.
  func collect() -> Bool {
    var hasCome = false
    while world.violation == nil {
      guard case .bytes(let reply) = end.receive(into: &world.room) else { return hasCome }
      hasCome = true
      take(reply)
    }
    return hasCome
  }

  private func take(_ reply: [UInt8]) {
    guard reply.count >= 16, reply.native(at: 0, as: UInt32.self) == UInt32(reply.count) else {
      return world.violate("an answer of \(reply.count) bytes that does not know its length")
    }
    var error = -Int32(bitPattern: reply.native(at: 4, as: UInt32.self))
    let unique = reply.native(at: 8, as: UInt64.self)
    var payload = Array(reply[16...])
    guard let index = outstanding.firstIndex(where: { $0.unique == unique }) else {
      return world.violate("request \(unique) is answered that nobody waits for")
    }
    if world.bug == .lostAnswer, world.random.chance(20) { return }
    let request = outstanding.remove(at: index)
    if world.bug == .doubleAnswer, world.random.chance(20) { take(reply) }
    if world.bug == .silentLostCache, request.kind == .sync { error = 0 }
    if world.bug == .swallowedError, request.kind == .write, error != 0 {
      error = 0
      payload = [UInt8](repeating: 0, count: 8)
      payload.put(UInt32(size(request.granules)).byteSwapped, at: 0)
    }
    if world.bug == .crossedAnswers, request.kind == .read, error == 0 {
      let count = request.granules.count
      let other = outstanding.first { $0.kind == .read && $0.granules.count == count }
      if let other {
        payload = Stamp.bytes(
          write: 0, granule: other.granules.lowerBound | other.unit << 24,
          count: other.granules.count)
      }
    }
    world.note(.answered, Int(unique), UInt64(UInt32(bitPattern: error)), UInt64(payload.count))
    if !request.rewrite.isEmpty, error == 0 { return endRewrite(request, payload) }
    answerCount += 1
    if error != 0 { errorCount += 1 }
    settle(request, error, payload)
  }

  private func settle(_ request: Request, _ error: Int32, _ payload: [UInt8]) {
    judge(request, error)
    if error == 0, world.bug != nil { client.plant(after: request) }
    switch request.kind {
    case .read:
      checker.endRead(
        unit: request.unit, granules: request.granules, begin: request.begin,
        bytes: error == 0 ? payload : nil)
    case .write:
      guard error == 0 else { return checker.fail(request.write) }
      guard payload.count == 8,
        payload.native(at: 0, as: UInt32.self)
          == UInt32(request.sentBytes ?? size(request.granules))
      else { return world.violate("a write was taken in part: \(payload)") }
      checker.acknowledge(request.write, isDurable: request.isDurable)
    case .sync:
      if error == EIO, world.now - request.startedAt < Self.patience {
        lossesTold[request.unit] = noticedLosses(request.unit)
        toldAt[request.unit] = world.now
        changesTold[request.unit] = sessionChangeCount()
      }
      if error == 0 { isFlushed[request.unit] = true }
      checker.endSync(
        unit: request.unit, begin: request.begin, startedAt: request.startedAt,
        isSuccess: error == 0, tellsLoss: error == EIO)
    }
  }

  /// An error needs a reason.
  private func judge(_ request: Request, _ error: Int32) {
    let age = world.now - request.startedAt
    let limit = world.scenario.replacementMilliseconds * World.millisecond
    let isReasonable =
      switch error {
      case 0: true
      case EINTR:
        // At once only where the path is known to be bad: away, or silent, for as long.
        request.isInterrupted
          && (age >= World.second || client.isSilent
            || awaySince().map { world.now - $0 >= World.second } ?? false)
      case ENOLINK:
        // The path, or the request, had been waiting for as long as was asked for.
        age >= limit || silentSince().map { world.now - $0 >= limit } ?? false
      case EIO:
        age >= Self.patience
          || request.kind == .sync && mayTellLoss(request)
      default: false
      }
    if !isReasonable {
      world.violate(
        "a \(request.kind) got errno \(error) after \(age / World.millisecond) ms without a reason")
    }
  }

  /// Whether an fsync may say EIO: bytes were lost, or nobody can find out.
  private func mayTellLoss(_ request: Request) -> Bool {
    let unit = request.unit
    func isRecent(_ moment: UInt64?) -> Bool {
      moment.map { world.now - $0 < 300 * World.second } ?? false
    }
    // It stays owed until one tells it.
    if isRecent(deferredAt()) || deferredAt().map({ $0 >= toldAt[unit] }) ?? false { return true }
    guard world.scenario.hasVolatileCache else { return false }
    return lossCount(unit) > request.lossesTold
      // What an earlier daemon wrote nobody knows.
      || request.isFirst && sessionLossCount() > request.sessionLosses
      || world.scenario.forgetsWrites
        && (sessionChangeCount() > request.changesTold || isRecent(resetAt()))
      || checker.mayHideLoss(unit: unit, since: request.lastSync)
  }

  /// The first request that has waited too long, in a sentence.
  var overdue: String? {
    let limit = world.scenario.answerLimit
    guard let request = outstanding.first(where: { world.now - $0.startedAt > limit }) else {
      return nil
    }
    return "request \(request.unique), a \(request.kind), has had no answer for "
      + "\((world.now - request.startedAt) / World.millisecond) ms"
  }

  /// When the first request will have waited too long.
  var deadline: UInt64? {
    outstanding.first.map { $0.startedAt + world.scenario.answerLimit + World.millisecond }
  }

  // MARK: - A planted bug

  /// Reads the blocks of a write of parts of them, beside whoever else writes there.
  private func beginRewrite(_ request: inout Request, _ bytes: [UInt8]) -> Bool {
    let block = world.scenario.blockLength / Stamp.granule
    let first = request.granules.lowerBound / block * block
    let last = (request.granules.upperBound + block - 1) / block * block
    guard first..<last != request.granules else { return false }
    request.rewrite = bytes
    outstanding.append(request)
    var whole = request
    whole.granules = first..<last
    post(.read, unique: request.unique, node: node(request.unit), transfer(whole))
    return true
  }

  private func endRewrite(_ request: Request, _ payload: [UInt8]) {
    let block = world.scenario.blockLength / Stamp.granule
    let first = request.granules.lowerBound / block * block
    var bytes = payload
    let place = (request.granules.lowerBound - first) * Stamp.granule
    bytes.replaceSubrange(place..<place + request.rewrite.count, with: request.rewrite)
    lastUnique += 2
    var second = request
    second.unique = lastUnique
    second.rewrite = []
    second.sentBytes = bytes.count
    outstanding.append(second)
    var whole = second
    whole.granules = first..<first + bytes.count / Stamp.granule
    post(.write, unique: second.unique, node: node(request.unit), transfer(whole) + bytes)
  }
}

extension [UInt8] {
  mutating func append<T: FixedWidthInteger>(native value: T) {
    for byte in 0..<T.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> T(byte * 8))) }
  }

  func native<T: FixedWidthInteger>(at offset: Int, as type: T.Type) -> T {
    (0..<T.bitWidth / 8).reduce(0) { $0 | T(self[offset + $1]) << T($1 * 8) }
  }
}
