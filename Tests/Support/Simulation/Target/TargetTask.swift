import ISCSI

/// A command at the target, from its arrival to its status, and, where that may be asked for again,
/// to its acknowledgement.
final class TargetTask {
  /// A range the target has asked for.
  struct Request {
    var transferTag: UInt32
    var offset: Int
    var end: Int
    var dataSN: UInt32 = 0
  }

  /// How it ended.
  struct Answer {
    var status: UInt8
    var sense: [UInt8] = []
    var response: UInt8 = 0
    var dataCount: UInt32 = 0
    var missing = 0

    var isGood: Bool { status == 0 && response == 0 }
  }

  /// TEST UNIT READY, which asks only for what there is to be told.
  static let testUnitReady: UInt8 = 0x00

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
  private(set) var received = 0
  /// Unsolicited data still come; then the requests not answered yet, and ranges not asked for.
  var unsolicited: Request?
  var requests: [Request] = []
  var wanted: [Range<Int>] = []
  /// Transfer tags whose data were given up: they are asked for anew.
  var forgottenTags: Set<UInt32> = []
  var r2tSN: UInt32 = 0
  /// Its status has gone, or nobody waits for it any more.
  var isEnded = false
  /// Its data have been taken.
  var isExecuted = false
  /// For planted bugs: what was taken is forgotten.
  var isForgotten = false

  // Its place in the session.
  var cmdSN: UInt32 = 0
  /// The connection it has its allegiance to.
  var connection: NexusConnection?
  /// Its turn in the order of commands has come.
  var hasBegun = false
  /// All its data are here.
  var isScheduled = false
  /// Counts its connections: what was planned for an earlier one is not for this.
  var epoch = 0

  // What was sent, as long as it may be asked for again.
  var answer: Answer?
  /// What it has read, while it has no connection.
  var readData: [UInt8]?
  var dataIn: DataInSequence?
  var sentDataIn: [UInt32: TargetPDU] = [:]
  var sentR2Ts: [UInt32: TargetPDU] = [:]
  /// Numbers of Data-In that were sent and did not arrive, as far as the target's tricks go.
  var undelivered: Set<UInt32> = []
  var delivered: Set<UInt32> = []
  /// So many Data-In the initiator had when the task was reassigned.
  var kept: UInt32 = 0
  /// The target has refused to send some again: what is missing stays missing.
  var isForfeited = false
  /// Where the last sequence of Data-In begins.
  var lastSequenceStart: UInt32 = 0
  /// Acknowledgements that were asked for: transfer tag and the number of the Data-In.
  var acknowledgements: [UInt32: UInt32] = [:]

  /// SYNCHRONIZE CACHE of either length.
  var isFlush: Bool { operation == 0x91 || operation == 0x35 }

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

  /// Takes a piece of the data, perhaps not for the first time.
  func take(_ bytes: ArraySlice<UInt8>, at offset: Int) {
    data.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    let first = (offset + Stamp.granule - 1) / Stamp.granule
    for granule in first..<max(first, (offset + bytes.count) / Stamp.granule)
    where !arrived[granule] {
      arrived[granule] = true
      received += Stamp.granule
    }
  }

  /// Whether all of a range has come.
  func hasArrived(_ range: Range<Int>) -> Bool {
    arrived[range.lowerBound / Stamp.granule..<range.upperBound / Stamp.granule]
      .allSatisfy { $0 }
  }

  /// The ranges that have not come and nobody was asked for.
  var missingRanges: [Range<Int>] {
    var ranges: [Range<Int>] = []
    for (index, hasCome) in arrived.enumerated() where !hasCome {
      let start = index * Stamp.granule
      let isAsked =
        requests.contains { $0.offset <= start && start < $0.end }
        || unsolicited.map { $0.offset <= start && start < $0.end } ?? false
      guard !isAsked else { continue }
      if let last = ranges.last, last.upperBound == start {
        ranges[ranges.count - 1] = last.lowerBound..<start + Stamp.granule
      } else {
        ranges.append(start..<start + Stamp.granule)
      }
    }
    return ranges
  }

  /// Whether the initiator has had a Data-In once.
  func hasDelivered(_ number: UInt32) -> Bool { number < kept || delivered.contains(number) }

  /// The first Data-In that has not come, of a task that says GOOD, where it may be asked for:
  /// while sequences are in order, of the last one (RFC 7143, 13.19).
  func missingData(_ parameters: NegotiatedParameters) -> UInt32? {
    guard answer?.isGood ?? false, !isForfeited, let first = undelivered.min() else { return nil }
    return parameters.dataSequenceInOrder && first < lastSequenceStart ? nil : first
  }

  /// Its connection is gone: what was asked for on it will not come.
  func strand() {
    epoch += 1
    unsolicited = nil
    requests = []
    wanted = []
    sentR2Ts = [:]
    acknowledgements = [:]
  }

  /// The slot of the reactor's, as its tags are made.
  var slot: Int { Int(tag & 0xFFFF) }

  func overlaps(_ other: TargetTask) -> Bool {
    unit == other.unit && block < other.block + other.blockCount
      && other.block < block + blockCount
  }
}
