/// A logical unit's blocks: what reads see, and what is left when the power goes.
final class SimulatedMedium {
  private let world: World
  private let unit: Int
  private let checker: BlockChecker
  private(set) var current: [UInt8]
  private var stable: [UInt8]
  /// Blocks that only the volatile cache has as they are.
  private(set) var dirty: Set<Int> = []
  private let blockLength: Int
  /// How often bytes were lost that reads had seen.
  private(set) var lossCount = 0

  init(world: World, unit: Int, checker: BlockChecker) {
    self.world = world
    self.unit = unit
    self.checker = checker
    blockLength = world.scenario.blockLength
    current = Stamp.bytes(
      write: 0, granule: unit << 24, count: world.scenario.byteCount / Stamp.granule)
    stable = current
  }

  func read(block: Int, count: Int) -> [UInt8] {
    Array(current[block * blockLength..<(block + count) * blockLength])
  }

  /// Takes blocks; the checker sees every one.
  func write(block: Int, bytes: [UInt8], isStable: Bool) {
    let start = block * blockLength
    let granules = start / Stamp.granule..<(start + bytes.count) / Stamp.granule
    checker.taken(unit: unit, granules: granules, bytes: bytes)
    current.replaceSubrange(start..<start + bytes.count, with: bytes)
    let blocks = block..<block + bytes.count / blockLength
    if world.scenario.hasVolatileCache, !isStable {
      dirty.formUnion(blocks)
    } else {
      stable.replaceSubrange(start..<start + bytes.count, with: bytes)
      dirty.subtract(blocks)
    }
    // A cache writes back when it likes.
    if !dirty.isEmpty, world.random.chance(100) { flush(world.random.pick(dirty.sorted())) }
  }

  private func flush(_ block: Int) {
    let range = block * blockLength..<(block + 1) * blockLength
    stable.replaceSubrange(range, with: current[range])
    dirty.remove(block)
  }

  func flush() {
    for block in dirty { flush(block) }
  }

  /// The cache is gone; some of it may just have been written back.
  ///
  /// - Parameter isDeferred: no power was lost, and a deferred error tells of it.
  func loseCache(all: Bool, isDeferred: Bool = false) {
    for block in dirty.sorted() where !all && world.random.chance(300) { flush(block) }
    if current != stable { lossCount += 1 }
    current = stable
    dirty = []
    if isDeferred { checker.loseWrites(unit: unit) } else { checker.loseCache(unit: unit) }
  }
}
