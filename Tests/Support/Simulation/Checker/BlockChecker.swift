/// What every read may return, and what must survive: a model of a file, not of any code.
///
/// For each granule it keeps the writes whose bytes may be there. A write is overwritten when a
/// later one, begun after the end of the first, has been answered with success; a read that begins
/// after that must not return the overwritten. A write that failed may or may not have happened,
/// but does not come back once it is overwritten. Power lost with a volatile cache brings back what
/// was overwritten only by writes no fsync has covered.
final class BlockChecker {
  private struct Version {
    var write: UInt32
    /// Since when no read that begins may return it.
    var deadSince = WriteRecord.never
  }

  private let world: World
  private let isVolatile: Bool
  private(set) var writes: [WriteRecord] = []
  private var versions: [[[Version]]]
  /// Writes answered with success that no fsync covers yet, by unit.
  private var unsynced: [[UInt32]]
  /// Those of them that a volatile cache may have lost, and nobody has told yet.
  private var endangered: [Set<UInt32>]
  /// When the last fsync of a unit began that was answered with success.
  private(set) var lastSync: [UInt32]
  /// Requests not answered yet: when they began.
  private var outstanding: [UInt32] = []
  private(set) var sequence: UInt32 = 0
  /// When the present daemon began to serve.
  private var lifeBegin: UInt32 = 0

  init(world: World) {
    self.world = world
    isVolatile = world.scenario.hasVolatileCache
    let granules = world.scenario.byteCount / Stamp.granule
    versions = Array(
      repeating: Array(repeating: [Version(write: 0)], count: granules),
      count: world.scenario.unitCount)
    unsynced = Array(repeating: [], count: world.scenario.unitCount)
    endangered = Array(repeating: [], count: world.scenario.unitCount)
    lastSync = Array(repeating: 0, count: world.scenario.unitCount)
    // What is there at the start: write 0, everywhere.
    var first = WriteRecord(request: 0, unit: 0, granules: 0..<granules, begin: 0)
    (first.end, first.isAcknowledged, first.isSynced) = (0, true, true)
    writes.append(first)
  }

  /// The number of the next moment.
  func tick() -> UInt32 {
    sequence += 1
    return sequence
  }

  /// A read or an fsync begins.
  func begin() -> UInt32 {
    let begin = tick()
    outstanding.append(begin)
    return begin
  }

  private func end(_ begin: UInt32) {
    if let index = outstanding.firstIndex(of: begin) { outstanding.remove(at: index) }
  }

  // MARK: - Writes

  /// A write begins; returns its number.
  func beginWrite(_ request: UInt64, unit: Int, granules: Range<Int>) -> UInt32 {
    let number = UInt32(writes.count)
    writes.append(
      WriteRecord(request: request, unit: unit, granules: granules, begin: begin()))
    for granule in granules { versions[unit][granule].append(Version(write: number)) }
    return number
  }

  /// A write was answered with success.
  func acknowledge(_ write: UInt32, isDurable: Bool) {
    settle(write)
    let index = Int(write)
    guard !writes[index].isDoubtful else { return }
    writes[index].isAcknowledged = true
    bury(write)
    if isDurable || !isVolatile {
      sync(write)
    } else {
      unsynced[writes[index].unit].append(write)
    }
  }

  /// A write was answered with an error, or its caller is gone.
  func fail(_ write: UInt32) {
    settle(write)
    writes[Int(write)].isFailed = true
  }

  /// Whether a failed write may have taken the place of another that no fsync covers, or of the
  /// first commands of one: nobody can tell then whether that one is lost.
  ///
  /// - Parameter synced: `lastSync` when the fsync began that asks.
  func mayHideLoss(unit: Int, since synced: UInt32) -> Bool {
    let block = world.scenario.blockLength / Stamp.granule
    func blocks(_ record: WriteRecord) -> Range<Int> {
      record.granules.lowerBound / block..<(record.granules.upperBound + block - 1) / block
    }
    let failed = writes.filter { $0.isFailed && $0.unit == unit }
    return writes.contains { record in
      record.unit == unit && record.end != WriteRecord.never && record.end > synced
        && failed.contains {
          $0.request != record.request && $0.end > record.begin
            && blocks($0).overlaps(blocks(record))
        }
    }
  }

  private func settle(_ write: UInt32) {
    writes[Int(write)].end = tick()
    end(writes[Int(write)].begin)
  }

  /// No read that begins from now on returns what ended before `write` began.
  private func bury(_ write: UInt32) {
    let record = writes[Int(write)]
    for granule in record.granules {
      for index in versions[record.unit][granule].indices {
        let version = versions[record.unit][granule][index]
        if version.deadSince == WriteRecord.never,
          writes[Int(version.write)].end < record.begin
        {
          versions[record.unit][granule][index].deadSince = sequence
        }
      }
    }
  }

  // MARK: - Durability

  /// A write must survive: what it has overwritten can never come back.
  private func sync(_ write: UInt32) {
    writes[Int(write)].isSynced = true
    let record = writes[Int(write)]
    let oldest = outstanding.min() ?? sequence
    bury(write)
    for granule in record.granules {
      versions[record.unit][granule].removeAll {
        $0.deadSince < oldest && writes[Int($0.write)].end < record.begin
      }
    }
  }

  /// An fsync was answered: what was answered before it began is durable, or known not to be.
  ///
  /// - Parameter startedAt: when it began, on the clock: what a daemon answers at the same moment
  ///   it may have answered before it took this one.
  func endSync(unit: Int, begin: UInt32, startedAt: UInt64, isSuccess: Bool, tellsLoss: Bool) {
    end(begin)
    let moment = tick()
    if isSuccess { lastSync[unit] = max(lastSync[unit], begin) }
    // A daemon without a free slot hears of an fsync when others have told already.
    let heard = world.scenario.hasSlotsForAll ? begin : moment
    var left: [UInt32] = []
    for write in unsynced[unit] {
      let record = writes[Int(write)]
      if isSuccess, record.end < begin, record.forgivenAt >= heard,
        record.forgivenTime != startedAt
      {
        sync(write)
      } else {
        if tellsLoss, record.forgivenAt == WriteRecord.never {
          writes[Int(write)].forgivenAt = moment
          writes[Int(write)].forgivenTime = world.now
        }
        left.append(write)
      }
    }
    unsynced[unit] = left
  }

  /// The volatile cache of a unit was lost, with all or some of what it held.
  func loseCache(unit: Int) {
    guard isVolatile else { return }
    // What earlier daemons had not flushed is a loss of power of theirs.
    let moment = tick()
    for write in unsynced[unit]
    where writes[Int(write)].end < lifeBegin && writes[Int(write)].forgivenAt == WriteRecord.never {
      writes[Int(write)].forgivenAt = moment
      // A daemon may hear of the loss before it takes an fsync of the same moment.
      writes[Int(write)].forgivenTime = world.now
    }
    endangered[unit].formUnion(unsynced[unit])
    // Between two lives of a daemon nobody is there who could tell.
    if !world.isServed { forgiveEndangered() }
    for granule in versions[unit].indices {
      let synced = versions[unit][granule].filter { writes[Int($0.write)].isSynced }
      for index in versions[unit][granule].indices {
        let end = writes[Int(versions[unit][granule][index].write)].end
        guard !synced.contains(where: { end < writes[Int($0.write)].begin }) else { continue }
        versions[unit][granule][index].deadSince = WriteRecord.never
      }
    }
  }

  /// The same for what a deferred error tells of: also writes whose answers are still under way.
  func loseWrites(unit: Int) {
    loseCache(unit: unit)
    for index in writes.indices
    where writes[index].end == WriteRecord.never && writes[index].unit == unit {
      writes[index].isDoubtful = isVolatile
    }
  }

  /// Another daemon begins to serve.
  func beginLife() { lifeBegin = tick() }

  /// Who would have had to tell of losses is gone, and with it the callers.
  func forgiveEndangered() {
    let moment = tick()
    for unit in endangered.indices {
      for write in endangered[unit] where writes[Int(write)].forgivenAt == WriteRecord.never {
        writes[Int(write)].forgivenAt = moment
      }
      endangered[unit] = []
    }
  }

  // MARK: - What is seen

  /// A read that began at `begin` was answered with these bytes; nil: with an error.
  func endRead(unit: Int, granules: Range<Int>, begin: UInt32, bytes: [UInt8]?) {
    end(begin)
    _ = tick()
    guard let bytes else { return }
    check(bytes, unit: unit, granules: granules) { granule, version in
      guard version.deadSince <= begin else { return nil }
      return "a read of LUN \(unit) returned \(name(version)) at byte "
        + "\(granule * Stamp.granule), overwritten before it began; it may return "
        + names(unit, granule, since: begin)
    }
  }

  /// The target takes these bytes: somebody must want them there, now.
  func taken(unit: Int, granules: Range<Int>, bytes: [UInt8]) {
    let oldest = outstanding.min() ?? sequence
    check(bytes, unit: unit, granules: granules) { granule, version in
      guard version.deadSince < oldest else { return nil }
      return "LUN \(unit) was given \(name(version)) at byte \(granule * Stamp.granule), "
        + "overwritten before; there may be " + names(unit, granule, since: oldest)
    }
  }

  /// A version as the trace knows it.
  private func name(_ version: Version) -> String {
    guard writes.indices.contains(Int(version.write)) else { return "a write nobody made" }
    let request = writes[Int(version.write)].request
    return request == 0 ? "what was there at the start" : "request \(request)"
  }

  private func names(_ unit: Int, _ granule: Int, since moment: UInt32) -> String {
    versions[unit][granule].filter { $0.deadSince > moment }.map(name).joined(separator: ", ")
  }

  private func check(
    _ bytes: [UInt8], unit: Int, granules: Range<Int>,
    _ judge: (Int, Version) -> String?
  ) {
    guard bytes.count == granules.count * Stamp.granule else {
      return world.violate(
        "\(bytes.count) bytes of LUN \(unit) where \(granules.count * Stamp.granule) were asked for"
      )
    }
    // SAFETY: the buffer lives during the call.
    unsafe bytes.withUnsafeBytes { buffer in
      for (index, granule) in granules.enumerated() {
        let write = unsafe Stamp.write(
          in: buffer, at: index * Stamp.granule, granule: granule | unit << 24)
        guard let write else {
          return world.violate(
            "LUN \(unit) has bytes at \(granule * Stamp.granule) that nobody wrote there")
        }
        guard let version = versions[unit][granule].first(where: { $0.write == write }) else {
          return world.violate(
            "LUN \(unit) has \(name(Version(write: write))) at byte \(granule * Stamp.granule), "
              + "long overwritten or never for there; there may be "
              + names(unit, granule, since: sequence))
        }
        if let sentence = judge(granule, version) { return world.violate(sentence) }
      }
    }
  }
}
