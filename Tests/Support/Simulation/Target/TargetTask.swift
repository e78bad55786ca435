/// A command at the target, from its arrival to its status.
final class TargetTask {
  /// A range the target has asked for.
  struct Request {
    var transferTag: UInt32
    var offset: Int
    var end: Int
    var dataSN: UInt32 = 0
  }

  let tag: UInt32
  let unit: Int
  let operation: UInt8
  let block: Int
  let blockCount: Int
  let forcesUnitAccess: Bool
  let expectedLength: Int
  let isWrite: Bool
  /// Bytes of the data that have come, a flag for each granule of 64.
  private var arrived: [Bool]
  var data: [UInt8]
  /// What of the data has come.
  var received = 0
  /// Unsolicited data still come; then the requests not answered yet, and ranges not asked for.
  var unsolicited: Request?
  var requests: [Request] = []
  var wanted: [Range<Int>] = []
  var r2tSN: UInt32 = 0
  /// Its status has gone, or nobody waits for it any more.
  var isEnded = false
  /// Its data have been taken.
  var isExecuted = false
  /// For planted bugs: what was taken is forgotten.
  var isForgotten = false

  init(
    tag: UInt32, unit: Int, operation: UInt8, block: Int, blockCount: Int,
    forcesUnitAccess: Bool, expectedLength: Int, isWrite: Bool
  ) {
    self.tag = tag
    self.unit = unit
    self.operation = operation
    self.block = block
    self.blockCount = blockCount
    self.forcesUnitAccess = forcesUnitAccess
    self.expectedLength = expectedLength
    self.isWrite = isWrite
    arrived = [Bool](repeating: false, count: isWrite ? expectedLength / Stamp.granule : 0)
    data = isWrite ? [UInt8](repeating: 0, count: expectedLength) : []
  }

  /// Takes a piece of the data.
  func take(_ bytes: ArraySlice<UInt8>, at offset: Int) {
    data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    received += bytes.count
    let first = (offset + Stamp.granule - 1) / Stamp.granule
    for granule in first..<max(first, (offset + bytes.count) / Stamp.granule) {
      arrived[granule] = true
    }
  }

  /// Whether all of a range has come.
  func hasArrived(_ range: Range<Int>) -> Bool {
    arrived[range.lowerBound / Stamp.granule..<range.upperBound / Stamp.granule]
      .allSatisfy { $0 }
  }

  /// The slot of the reactor's, as its tags are made.
  var slot: Int { Int(tag & 0xFFFF) }

  func overlaps(_ other: TargetTask) -> Bool {
    unit == other.unit && block < other.block + other.blockCount
      && other.block < block + blockCount
  }
}
