import SCSI
import Testing
import Wire

@testable import LogicalUnit

@Suite("Clearing a range of bytes")
struct RangeClearingTests {
  typealias Traits = ThinUnit.Traits

  /// Clears a range of `unit`, as the reactor does, each command perhaps twice; false when the unit
  /// gives nothing back.
  @discardableResult
  static func clear(
    _ unit: inout ThinUnit, _ range: Range<Int>, isDeallocating: Bool = true,
    maximumWriteBlocks: UInt64 = 3, repeats: () -> Bool = { false }
  ) throws -> Bool {
    let geometry = try unit.geometry()
    var provisioning = Provisioning(try unit.description(), geometry: geometry)
    var clearing = RangeClearing(
      offset: UInt64(range.lowerBound), length: UInt64(range.count),
      isDeallocating: isDeallocating, geometry: geometry)
    var count = 0
    while let step = clearing.next(provisioning, maximumWriteBlocks: maximumWriteBlocks) {
      count += 1
      try #require(count < 1000, "it ends")
      do {
        if repeats() { _ = try unit.run(step) }
        let answer = try unit.run(step)
        if case .status = step {
          answer.withRawSpan { clearing.learned($0) }
        } else {
          clearing.succeeded()
        }
      } catch {
        let refusal = clearing.refused(&provisioning)
        if refusal == .unsupported { return false }
        try #require(refusal == .goesOn, "there is another way")
      }
    }
    return true
  }

  static func traits(_ random: inout SplitMix) -> Traits {
    func chance(_ one: UInt64) -> Bool { random.next() % one == 0 }
    func below(_ limit: UInt64) -> Int { Int(random.next() % limit) }
    var traits = Traits()
    traits.isThin = !chance(6)
    traits.readsZeros = !chance(4)
    traits.unmaps = !chance(4)
    traits.unmapsByWriteSame = chance(3)
    traits.refusesWriteSame = chance(4)
    traits.refusesWriteSameUnmap = chance(4)
    traits.refusesUnmap = chance(6)
    traits.refusesStatus = chance(3)
    traits.ignoresUnmap = chance(4)
    traits.granularity = [1, 2, 3, 8, 16, 100][below(6)]
    traits.alignment = chance(2) ? below(UInt64(traits.granularity)) : nil
    traits.maximumUnmapBlocks = [UInt32.max, 0, 1, 5, 16, 33][below(6)]
    traits.maximumWriteSameBlocks = [0, 1, 7, 1 << 40][below(4)]
    return traits
  }

  @Test(
    "S07 whatever the limits, every byte of the range reads zero and no other byte changes",
    arguments: 1...60)
  func property(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    for _ in 0..<50 {
      var unit = ThinUnit(Self.traits(&random))
      let before = unit.bytes
      let ends = [0, 0].map { _ in Int(random.next() % UInt64(before.count + 1)) }.sorted()
      let range = ends[0]..<ends[1]
      let isDeallocating = random.next() % 3 > 0
      var again = random
      let isDone = try Self.clear(&unit, range, isDeallocating: isDeallocating) {
        again.next() % 4 == 0
      }
      #expect(isDone || isDeallocating)
      var expected = before
      if isDone { for index in range { expected[index] = 0 } }
      #expect(unit.bytes == expected, "\(unit.traits) \(range) \(unit.steps)")
    }
  }

  static func steps(
    _ range: Range<Int> = 0..<64 * 512, isDeallocating: Bool = true,
    _ change: (inout Traits) -> Void = { _ in }
  ) throws -> (steps: [RangeClearing.Step], mapped: Int) {
    var traits = Traits()
    change(&traits)
    var unit = ThinUnit(traits)
    try clear(&unit, range, isDeallocating: isDeallocating)
    return (unit.steps, unit.isMapped.count { $0 })
  }

  static func blocks(_ first: UInt64, _ count: UInt64) -> BlockRange {
    BlockRange(first: LogicalBlockAddress(first), count: count)
  }

  @Test("S07 LBPWS and LBPRZ: WRITE SAME with UNMAP, and only the edges are written")
  func writeSame() throws {
    let result = try Self.steps(100..<30 * 512 + 7)
    #expect(
      result.steps == [
        .writeSame(Self.blocks(1, 29), unmaps: true),
        .patch(LogicalBlockAddress(0), head: 100, tail: 0),
        .patch(LogicalBlockAddress(30), head: 0, tail: 505),
      ])
    #expect(result.mapped == 64 - 29)
  }

  @Test("S07 a range inside one block is patched in it")
  func inside() throws {
    let result = try Self.steps(600..<700)
    #expect(result.steps == [.patch(LogicalBlockAddress(1), head: 88, tail: 324)])
  }

  @Test("S07 only LBPU: whole units are unmapped and looked at, the rest is written")
  func unmap() throws {
    let result = try Self.steps {
      $0.unmapsByWriteSame = false
      $0.granularity = 8
      $0.alignment = 3
      $0.maximumUnmapBlocks = 30
    }
    #expect(
      result.steps == [
        .unmap(Self.blocks(3, 24)), .status(Self.blocks(3, 24)), .unmap(Self.blocks(27, 24)),
        .status(Self.blocks(27, 24)), .unmap(Self.blocks(51, 8)), .status(Self.blocks(51, 8)),
        .writeSame(Self.blocks(59, 5), unmaps: false),
        .writeSame(Self.blocks(0, 3), unmaps: false),
      ])
    #expect(result.mapped == 8)
  }

  @Test("S07 what UNMAP leaves as it was is written; where nobody tells, zeros come first")
  func hint() throws {
    let left = try Self.steps {
      $0.unmapsByWriteSame = false
      $0.ignoresUnmap = true
    }
    let all = Self.blocks(0, 64)
    #expect(left.steps == [.unmap(all), .status(all), .writeSame(all, unmaps: false)])
    let untold = try Self.steps {
      $0.unmapsByWriteSame = false
      $0.refusesStatus = true
    }
    #expect(
      untold.steps
        == [.unmap(all), .status(all), .writeSame(all, unmaps: false), .unmap(all)])
  }

  @Test("S07 without LBPRZ nothing is unmapped, as with limits of 0 or below one unit")
  func noPromise() throws {
    let all = Self.blocks(0, 64)
    #expect(try Self.steps { $0.readsZeros = false }.steps == [.writeSame(all, unmaps: false)])
    let none = try Self.steps {
      $0.unmapsByWriteSame = false
      $0.maximumUnmapBlocks = 0
    }
    #expect(none.steps == [.writeSame(all, unmaps: false)])
    let narrow = try Self.steps {
      $0.unmapsByWriteSame = false
      $0.maximumUnmapBlocks = 7
      $0.granularity = 8
    }
    #expect(narrow.steps == [.writeSame(all, unmaps: false)])
  }

  @Test("S07 a zeroed range stays allocated; MAXIMUM WRITE SAME LENGTH is kept")
  func zeroRange() throws {
    let result = try Self.steps(isDeallocating: false) { $0.maximumWriteSameBlocks = 40 }
    #expect(
      result.steps == [
        .writeSame(Self.blocks(0, 40), unmaps: false),
        .writeSame(Self.blocks(40, 24), unmaps: false),
      ])
    #expect(result.mapped == 64)
  }

  @Test("S07 a unit that refuses to give anything back ends as it began, and is not asked again")
  func unsupported() throws {
    var traits = Traits()
    traits.refusesWriteSameUnmap = true
    traits.refusesUnmap = true
    var unit = ThinUnit(traits)
    let before = unit.bytes
    let isDone = try Self.clear(&unit, 100..<9000)
    #expect(!isDone)
    #expect(unit.bytes == before)
    let blocks = Self.blocks(1, 16)
    #expect(unit.steps == [.writeSame(blocks, unmaps: true), .unmap(blocks)])
    var provisioning = Provisioning(try unit.description(), geometry: try unit.geometry())
    #expect(provisioning.givesBack)
    provisioning.unmaps = false
    provisioning.unmapsByWriteSame = false
    #expect(!provisioning.givesBack)
  }

  @Test("S07 a unit that refuses WRITE SAME is asked once, then zeros are written")
  func refusedWriteSame() throws {
    let result = try Self.steps(0..<6 * 512, isDeallocating: false) { $0.refusesWriteSame = true }
    #expect(
      result.steps == [
        .writeSame(Self.blocks(0, 6), unmaps: false), .write(Self.blocks(0, 3)),
        .write(Self.blocks(3, 3)),
      ])
  }

  @Test("S07 H56 commands stay below what a slow device does in time, whatever the pages say")
  func bounds() throws {
    var traits = Traits()
    traits.blockCount = 64
    let unit = ThinUnit(traits)
    let geometry = try Geometry(
      logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(1 << 40))
    let told = Provisioning(try unit.description(), geometry: geometry)
    #expect(told.maximumWriteSameBlocks == 32 << 11)
    #expect(told.maximumUnmappingWriteSameBlocks == 256 << 11)
    #expect(told.maximumUnmapBlocks == 256 << 11)
    #expect(Provisioning(geometry: geometry).isFull)
  }
}
