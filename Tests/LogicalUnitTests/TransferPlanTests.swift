import SCSI
import Testing

@testable import LogicalUnit

/// Every offset and length over a few blocks, against a model that looks at bytes one by one.
@Suite("Plans of byte ranges")
struct TransferPlanTests {
  static let blockLength = 512
  static let blockCount = 4
  static let capacity = blockLength * blockCount

  /// Offsets and lengths around every edge a plan could get wrong.
  static let edges: [Int] = (0...blockCount + 1).flatMap { block in
    [-2, -1, 0, 1, 2, 255].map { block * blockLength + $0 }
  }.filter { $0 >= 0 }

  static func geometry(maximum: UInt32 = 0) throws(GeometryError) -> Geometry {
    try Geometry(
      logicalBlockLength: UInt32(blockLength),
      lastLogicalBlockAddress: LogicalBlockAddress(UInt64(blockCount - 1)),
      maximumTransferBlocks: maximum)
  }

  /// The bytes of a range that lie on the medium.
  static func clipped(_ offset: Int, _ length: Int) -> Range<Int> {
    min(offset, capacity)..<min(offset + length, capacity)
  }

  @Test("read exactly the bytes asked for and whole blocks around them")
  func reads() throws {
    let geometry = try Self.geometry()
    for offset in Self.edges {
      for length in Self.edges {
        let plan = ReadPlan(offset: UInt64(offset), length: UInt32(length), geometry: geometry)
        let wanted = Self.clipped(offset, length)
        #expect(Int(plan.returnedLength) == wanted.count)
        guard !wanted.isEmpty else {
          #expect(plan.blocks.isEmpty && plan.isAligned)
          continue
        }
        let start = Int(plan.blocks.first.rawValue) * Self.blockLength
        let end = Int(plan.blocks.end.rawValue) * Self.blockLength
        #expect(start + Int(plan.leadingSkip) == wanted.lowerBound)
        #expect(end - Int(plan.trailingSkip) == wanted.upperBound)
        #expect(Int(plan.leadingSkip) < Self.blockLength)
        #expect(Int(plan.trailingSkip) < Self.blockLength)
        #expect(Int(plan.transferLength) == end - start)
        #expect(plan.isAligned == (wanted.count == end - start))
      }
    }
  }

  @Test("write exactly the bytes given, filling the edges from the medium")
  func writes() throws {
    let geometry = try Self.geometry()
    let medium = (0..<Self.capacity).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
    for offset in Self.edges where offset < Self.capacity {
      for length in Self.edges where length > 0 {
        let plan = try WritePlan(
          offset: UInt64(offset), length: UInt32(length), geometry: geometry)
        let range = Self.clipped(offset, length)
        #expect(Int(plan.acceptedLength) == range.count)
        var expected = medium
        for index in range { expected[index] = 0xEE }
        #expect(Self.execute(plan, on: medium) == expected, "\(offset) \(length)")
        #expect(plan.isAligned == (plan.headPartialBlock == nil && plan.tailPartialBlock == nil))
        let whole = Int(plan.wholeBlocks.count) * Self.blockLength
        #expect(whole + Int(plan.headLength) + Int(plan.tailLength) == range.count)
      }
    }
  }

  /// Does what the data path does: reads the partial blocks, lays the data over, writes the rest.
  static func execute(_ plan: WritePlan, on medium: [UInt8]) -> [UInt8] {
    var buffer = [UInt8](repeating: 0xDD, count: Int(plan.transferLength))
    let first = Int(plan.blocks.first.rawValue)
    for partial in [plan.headPartialBlock, plan.tailPartialBlock] {
      guard let block = partial.map({ Int($0.rawValue) }) else { continue }
      let source = block * blockLength
      let target = (block - first) * blockLength
      buffer.replaceSubrange(
        target..<target + blockLength, with: medium[source..<source + blockLength])
    }
    let start = Int(plan.headFill)
    for index in start..<start + Int(plan.acceptedLength) { buffer[index] = 0xEE }
    var result = medium
    let place = first * blockLength
    result.replaceSubrange(place..<place + buffer.count, with: buffer)
    return result
  }

  @Test("inside one block read that block once")
  func oneBlock() throws {
    let plan = try WritePlan(offset: 600, length: 10, geometry: Self.geometry())
    #expect(plan.headPartialBlock == LogicalBlockAddress(1))
    #expect(plan.tailPartialBlock == nil)
    #expect(plan.headFill == 88)
    #expect(plan.tailFill == 414)
    #expect(plan.headLength == 10)
    #expect(plan.wholeBlocks.isEmpty)
  }

  @Test("at or past the end: reads return 0, writes have no space")
  func pastTheEnd() throws {
    let geometry = try Self.geometry()
    for offset in [UInt64(Self.capacity), UInt64(Self.capacity) + 1, .max] {
      #expect(ReadPlan(offset: offset, length: .max, geometry: geometry).returnedLength == 0)
      #expect(throws: WritePlan.Refusal.noSpace) {
        try WritePlan(offset: offset, length: 1, geometry: geometry)
      }
      #expect(try WritePlan(offset: offset, length: 0, geometry: geometry).blocks.isEmpty)
    }
  }

  @Test("at the end of the greatest medium do not overflow")
  func greatestMedium() throws {
    let last = UInt64(Int64.max) >> 9 - 1
    let geometry = try Geometry(
      logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(last))
    let plan = try WritePlan(
      offset: geometry.capacityBytes - 1, length: .max, geometry: geometry)
    #expect(plan.acceptedLength == 1)
    #expect(plan.blocks == BlockRange(first: LogicalBlockAddress(last), count: 1))
    #expect(ReadPlan(offset: 1, length: .max, geometry: geometry).transferLength == 1 << 32)
  }
}
