import SCSI
import Wire

@testable import LogicalUnit

/// A logical unit that is asked by commands and checked by bytes, as obstinate as SBC-4 allows.
struct ThinUnit {
  /// What it is and how it behaves.
  struct Traits {
    var blockLength = 512
    var blockCount = 64
    var isThin = true
    var readsZeros = true
    /// LBPU and LBPWS.
    var unmaps = true
    var unmapsByWriteSame = true
    /// Commands it refuses whatever its pages say.
    var refusesWriteSame = false
    var refusesWriteSameUnmap = false
    var refusesUnmap = false
    var refusesStatus = false
    /// UNMAP gives nothing back.
    var ignoresUnmap = false
    var granularity = 1
    var alignment: Int?
    var maximumUnmapBlocks: UInt32 = .max
    var maximumWriteSameBlocks: UInt64 = 0
  }

  enum Refusal: Error { case refused }

  let traits: Traits
  var bytes: [UInt8]
  var isMapped: [Bool]
  /// What was sent.
  var steps: [RangeClearing.Step] = []

  init(_ traits: Traits) {
    self.traits = traits
    bytes = (0..<traits.blockLength * traits.blockCount).map { UInt8(1 + $0 % 251) }
    isMapped = [Bool](repeating: true, count: traits.blockCount)
  }

  // MARK: - What it tells

  /// What discovery would learn of it.
  func description() throws -> LogicalUnitDescription {
    var description = LogicalUnitDescription(
      logicalUnitNumber: LogicalUnitNumber(number: 1),
      inquiry: try InquiryData(parsing: [0, 0, 6, 2, 31]))
    var capacity: [UInt8] = []
    capacity.appendBigEndian(UInt64(traits.blockCount - 1))
    capacity.appendBigEndian(UInt32(traits.blockLength))
    capacity += [0, 0, (traits.isThin ? 0x80 : 0) | (traits.readsZeros ? 0x40 : 0), 0]
    description.capacity = try capacity.withRawSpan { (span) throws(ParameterDataError) in
      try ReadCapacityData(parsingReadCapacity16: span)
    }
    var limits: [UInt8] = [0, 0xB0, 0, 60, 1] + [UInt8](repeating: 0, count: 15)
    limits.appendBigEndian(traits.unmaps ? traits.maximumUnmapBlocks : 0)
    limits.appendBigEndian(traits.unmaps ? UInt32(1) : 0)
    limits.appendBigEndian(UInt32(traits.granularity))
    limits.appendBigEndian(traits.alignment.map { 1 << 31 | UInt32($0) } ?? 0)
    limits.appendBigEndian(traits.maximumWriteSameBlocks)
    limits += [UInt8](repeating: 0, count: 64 - limits.count)
    description.blockLimits = try BlockLimits(parsing: limits)
    let flags: UInt8 =
      (traits.unmaps ? 0x80 : 0) | (traits.unmapsByWriteSame ? 0x40 : 0)
      | (traits.readsZeros ? 0x04 : 0)
    description.provisioning = try LogicalBlockProvisioning(
      parsing: [0, 0xB2, 0, 4, 0, traits.isThin ? flags : 0, traits.isThin ? 2 : 0, 0])
    return description
  }

  func geometry(maximumTransferBlocks: UInt32 = 0) throws -> Geometry {
    try Geometry(
      logicalBlockLength: UInt32(traits.blockLength),
      lastLogicalBlockAddress: LogicalBlockAddress(UInt64(traits.blockCount - 1)),
      maximumTransferBlocks: maximumTransferBlocks)
  }

  // MARK: - What it does

  /// Runs one command; GET LBA STATUS answers.
  mutating func run(_ step: RangeClearing.Step) throws -> [UInt8] {
    steps.append(step)
    switch step {
    case .patch(let block, let head, let tail):
      let start = Int(block.rawValue) * traits.blockLength
      zero(start + Int(head)..<start + traits.blockLength - Int(tail))
      isMapped[Int(block.rawValue)] = true
    case .write(let blocks): write(blocks)
    case .writeSame(let blocks, let unmaps):
      guard !traits.refusesWriteSame, !unmaps || traits.unmapsByWriteSame,
        !unmaps || !traits.refusesWriteSameUnmap, blocks.count > 0,
        traits.maximumWriteSameBlocks == 0 || blocks.count <= traits.maximumWriteSameBlocks
      else { throw Refusal.refused }
      // Zeros match what a deallocated block reads as, or everything is written (SBC-4, 5.50).
      write(blocks)
      if unmaps, traits.readsZeros { deallocate(blocks) }
    case .unmap(let blocks):
      guard traits.unmaps, !traits.refusesUnmap, blocks.count <= traits.maximumUnmapBlocks
      else { throw Refusal.refused }
      if !traits.ignoresUnmap { deallocate(blocks) }
    case .status(let blocks):
      guard !traits.refusesStatus else { throw Refusal.refused }
      return status(from: Int(blocks.first.rawValue), limit: 2)
    }
    return []
  }

  private mutating func write(_ blocks: BlockRange) {
    for block in range(blocks) {
      zero(block * traits.blockLength..<(block + 1) * traits.blockLength)
      isMapped[block] = true
    }
  }

  /// Only whole units are given back, and read as zeros or as anything.
  private mutating func deallocate(_ blocks: BlockRange) {
    let whole = range(blocks)
    for block in whole {
      let unit = (block - (traits.alignment ?? 0) + 64 * traits.granularity) / traits.granularity
      let start = unit * traits.granularity + (traits.alignment ?? 0) - 64 * traits.granularity
      guard start >= whole.lowerBound, start + traits.granularity <= whole.upperBound else {
        continue
      }
      isMapped[block] = false
      for byte in block * traits.blockLength..<(block + 1) * traits.blockLength {
        bytes[byte] = traits.readsZeros ? 0 : 0xEE
      }
    }
  }

  /// GET LBA STATUS of so many runs.
  func status(from start: Int, limit: Int) -> [UInt8] {
    var list: [UInt8] = []
    var first = start
    while first < traits.blockCount, list.count < 16 * limit {
      var end = first + 1
      while end < traits.blockCount, isMapped[end] == isMapped[first] { end += 1 }
      list.appendBigEndian(UInt64(first))
      list.appendBigEndian(UInt32(end - first))
      list += [isMapped[first] ? 0 : 1, 0, 0, 0]
      first = end
    }
    var answer: [UInt8] = []
    answer.appendBigEndian(UInt32(4 + list.count))
    return answer + [0, 0, 0, 0] + list
  }

  private func range(_ blocks: BlockRange) -> Range<Int> {
    Int(blocks.first.rawValue)..<Int(blocks.end.rawValue)
  }

  private mutating func zero(_ range: Range<Int>) {
    for index in range { bytes[index] = 0 }
  }
}
