package import SCSI

/// Zeroes a range of bytes, giving its blocks back where that is wanted and sure to read as zeros.
///
/// A machine: `next` says which command comes now, then exactly one of `succeeded`, `learned` and
/// `refused` is called, until `next` has no more. Afterwards every byte of the range reads as zero
/// and no other byte has changed, whatever the unit makes of UNMAP: that command may leave blocks
/// as they are (SBC-4, 4.7.3.4), so that what it left is asked for and zeroed, and where the unit
/// does not tell, zeros are written first. WRITE SAME with UNMAP zeroes what it does not
/// deallocate (SBC-4, 5.50), and is preferred. A command may be sent again at any time.
///
/// The edges of the range come last: where a unit refuses to give anything back, nothing has
/// changed.
package struct RangeClearing: BitwiseCopyable, Sendable {
  /// One command, or a block's read and write.
  package enum Step: BitwiseCopyable, Hashable, Sendable {
    /// Zeroes a block but for `head` bytes at its start and `tail` bytes at its end.
    case patch(LogicalBlockAddress, head: UInt32, tail: UInt32)
    /// WRITE SAME(16) of a block of zeros.
    case writeSame(BlockRange, unmaps: Bool)
    /// WRITE of zeros.
    case write(BlockRange)
    case unmap(BlockRange)
    /// GET LBA STATUS from the first of these blocks on.
    case status(BlockRange)
  }

  /// What becomes of a range when a command is refused.
  package enum Refusal: UInt8, BitwiseCopyable, Hashable, Sendable {
    /// There is another way.
    case goesOn
    /// Nothing can be given back, and nothing has changed.
    case unsupported
    /// Nothing zeroes the range.
    case failed
  }

  /// What the current piece of the range goes through.
  private enum Phase: UInt8, BitwiseCopyable {
    /// There is no piece.
    case idle
    case writeSameUnmapping
    /// UNMAP, then a look at what it has left.
    case unmapping
    case looking
    /// `zeros` are written.
    case zeroing
    /// UNMAP of a piece that is zero already.
    case unmappingZeros
  }

  /// Every block that holds a byte of the range.
  package let blocks: BlockRange
  private let isDeallocating: Bool
  /// Some byte may be another than before.
  private var hasChanged = false
  /// Bytes of the first and the last block that keep what they have.
  private let headFill: UInt32
  private let tailFill: UInt32
  private var hasHead: Bool
  private var hasTail: Bool

  /// Whole blocks not begun yet.
  private var rest: BlockRange
  /// Whole blocks before the first unit of deallocation, for the end.
  private var lead: BlockRange
  /// Whole blocks under way.
  private var piece: BlockRange
  private var phase = Phase.idle
  /// Blocks of the piece that are to be zeroed now.
  private var zeros: BlockRange
  /// Blocks of the piece that UNMAP may have left.
  private var unseen: BlockRange
  private var unmapsZeros = false
  /// The command that `next` named last.
  package private(set) var step = Step.write(BlockRange(first: LogicalBlockAddress(0), count: 0))

  /// Zeroes `length` bytes at `offset`, which traps unless they all lie on the medium.
  package init(offset: UInt64, length: UInt64, isDeallocating: Bool, geometry: Geometry) {
    precondition(
      length <= geometry.capacityBytes && offset <= geometry.capacityBytes - length,
      "a range to clear lies on the medium")
    let shift = UInt64(geometry.logicalBlockShift)
    let mask = UInt64(geometry.logicalBlockLength) - 1
    let end = offset + length
    let first = offset >> shift
    let none = BlockRange(first: LogicalBlockAddress(first), count: 0)
    self.isDeallocating = isDeallocating
    headFill = UInt32(truncatingIfNeeded: offset & mask)
    tailFill = UInt32(truncatingIfNeeded: (0 &- end) & mask)
    // The capacity fits an Int64: the sum does not overflow.
    let count = length == 0 ? 0 : ((end + mask) >> shift) - first
    blocks = BlockRange(first: LogicalBlockAddress(first), count: count)
    hasHead = count > 0 && (headFill > 0 || (tailFill > 0 && count == 1))
    hasTail = tailFill > 0 && count > 1
    let edges: UInt64 = (hasHead ? 1 : 0) + (hasTail ? 1 : 0)
    rest = BlockRange(
      first: LogicalBlockAddress(first + (hasHead ? 1 : 0)), count: count - edges)
    lead = none
    piece = none
    zeros = none
    unseen = none
  }

  /// The blocks all of whose bytes are cleared.
  package var wholeBlocks: BlockRange {
    let isOne = blocks.count == 1
    let head: UInt64 = headFill > 0 || isOne && tailFill > 0 ? 1 : 0
    let tail: UInt64 = tailFill > 0 && !isOne ? 1 : 0
    guard blocks.count > head + tail else { return BlockRange(first: blocks.first, count: 0) }
    return BlockRange(first: blocks.first.advanced(by: head), count: blocks.count - head - tail)
  }

  /// A range of nothing, in a unit of nothing.
  package static let none = RangeClearing(
    offset: 0, length: 0, isDeallocating: false, geometry: .none)

  /// The command that comes now; nil when the range is zero.
  ///
  /// - Parameter maximumWriteBlocks: the most blocks a WRITE of zeros may have, never zero.
  package mutating func next(
    _ provisioning: Provisioning, maximumWriteBlocks: UInt64
  ) -> Step? {
    if phase == .idle, !rest.isEmpty || !lead.isEmpty { begin(provisioning) }
    switch phase {
    case .idle where hasHead:
      step = .patch(blocks.first, head: headFill, tail: blocks.count == 1 ? tailFill : 0)
    case .idle where hasTail: step = .patch(blocks.last, head: 0, tail: tailFill)
    case .idle: return nil
    case .writeSameUnmapping: step = .writeSame(piece, unmaps: true)
    case .unmapping, .unmappingZeros: step = .unmap(piece)
    case .looking: step = .status(unseen)
    case .zeroing:
      let limit = provisioning.writesSame ? provisioning.maximumWriteSameBlocks : maximumWriteBlocks
      let part = provisioning.cut(zeros, limit: limit)
      step = provisioning.writesSame ? .writeSame(part, unmaps: false) : .write(part)
    }
    return step
  }

  /// The command did what it was asked, where it was not GET LBA STATUS.
  package mutating func succeeded() {
    hasChanged = true
    switch step {
    case .patch: if hasHead { hasHead = false } else { hasTail = false }
    case .writeSame(let blocks, unmaps: false), .write(let blocks):
      zeros.removeFirst(blocks.count)
      settle()
    case .writeSame(_, unmaps: true): phase = .idle
    case .unmap:
      guard phase == .unmapping else {
        phase = .idle
        return
      }
      unseen = piece
      phase = .looking
    case .status: preconditionFailure("what GET LBA STATUS said is learned")
    }
  }

  /// GET LBA STATUS has answered; blocks it does not call deallocated, or not name, are zeroed.
  package mutating func learned(_ answer: borrowing RawSpan) {
    var index = 0
    while !unseen.isEmpty {
      guard
        let extent = LBAStatusData.extent(
          at: index, of: answer, from: unseen.first, to: unseen.end)
      else { break }
      index += 1
      unseen.removeFirst(extent.count)
      guard extent.status.isHole else {
        zeros = BlockRange(first: extent.first, count: extent.count)
        break
      }
    }
    if index == 0 {
      zeros = unseen
      unseen.removeFirst(unseen.count)
    }
    settle()
  }

  /// The unit refuses this kind of command, which `provisioning` remembers.
  package mutating func refused(_ provisioning: inout Provisioning) -> Refusal {
    switch step {
    case .patch, .write: return .failed
    case .writeSame(_, unmaps: true):
      provisioning.unmapsByWriteSame = false
      giveBackPiece()
    case .writeSame(_, unmaps: false): provisioning.writesSame = false
    case .unmap:
      provisioning.unmaps = false
      if phase == .unmapping { giveBackPiece() } else { phase = .idle }
    case .status:
      provisioning.tellsStatus = false
      // Whatever is left of the piece may be anything: zeros, and then once more UNMAP.
      zeros = unseen
      unseen.removeFirst(unseen.count)
      unmapsZeros = true
      phase = .zeroing
    }
    let isPointless = isDeallocating && !hasChanged && !provisioning.givesBack
    return isPointless ? .unsupported : .goesOn
  }

  /// Takes the next piece off the rest.
  private mutating func begin(_ provisioning: Provisioning) {
    unmapsZeros = false
    if rest.isEmpty {
      swap(&rest, &lead)
    } else if isDeallocating, provisioning.readsZeros {
      if provisioning.unmapsByWriteSame {
        take(provisioning.cut(rest, limit: provisioning.maximumUnmappingWriteSameBlocks))
        phase = .writeSameUnmapping
        return
      }
      if provisioning.unmaps, beginUnmapping(provisioning) { return }
    }
    take(rest)
    zeros = piece
    phase = .zeroing
  }

  /// Takes whole units to be given back; false when none is left.
  private mutating func beginUnmapping(_ provisioning: Provisioning) -> Bool {
    let start = provisioning.firstUnit(from: rest.first)
    guard start < rest.end else { return false }
    let before = start.rawValue - rest.first.rawValue
    let limit = min(rest.count - before, provisioning.maximumUnmapBlocks)
    let units = limit / provisioning.granularityBlocks * provisioning.granularityBlocks
    // What was kept for the end is one range, and stays it.
    guard units > 0, before == 0 || lead.isEmpty else { return false }
    if before > 0 {
      lead = BlockRange(first: rest.first, count: before)
      rest.removeFirst(before)
    }
    take(BlockRange(first: rest.first, count: units))
    if provisioning.tellsStatus {
      phase = .unmapping
    } else {
      zeros = piece
      unmapsZeros = true
      phase = .zeroing
    }
    return true
  }

  private mutating func take(_ blocks: BlockRange) {
    piece = blocks
    rest.removeFirst(blocks.count)
  }

  /// The piece is to be done in another way.
  private mutating func giveBackPiece() {
    rest = BlockRange(first: piece.first, count: piece.count + rest.count)
    phase = .idle
  }

  /// What follows when some blocks are zero.
  private mutating func settle() {
    if !zeros.isEmpty {
      phase = .zeroing
    } else if !unseen.isEmpty {
      phase = .looking
    } else {
      phase = unmapsZeros ? .unmappingZeros : .idle
    }
  }
}
