import ISCSI
import SCSI
import Wire

/// Data cut otherwise than before, and what an R-Data SNACK asks for: bytes tell what has come.
extension RecoveringRead {
  /// All that is not acknowledged is asked for, where it may be; false where the connection is
  /// given up.
  mutating func askForAll(_ expStatSN: SerialNumber) throws(Disagreement) -> Bool {
    guard !isForfeited else { return true }
    let mayAsk = !parameters.dataSequenceInOrder || acknowledged.number >= lastSequenceStart
    let found: UInt32?
    do throws(ProtocolViolation) {
      found = try recovery.resegment(parameters: parameters)
    } catch {
      try RecoveringConnection.holdRefusal(
        error, isRight: mayAsk && wholesaleCount == 3, "everything asked for anew")
      return false
    }
    isForfeited = !mayAsk
    try agree(found, mayAsk ? lastSNACKTag + 1 : nil, "the tag of an R-Data SNACK")
    guard let found else { return true }
    wholesaleCount += 1
    try hold(wholesaleCount <= 3, "everything is asked for within a bound")
    beginTagged(found)
    forgetUnacknowledged()
    numbers.lose(from: acknowledged.number)
    asked.forget(from: acknowledged.number)
    asked.cover(numbers.missing)
    try SNACKProperties.check(
      .rData, .all, task: tag, tag: TargetTransferTag(rawValue: found), isAll: true,
      expStatSN: expStatSN)
    return true
  }

  /// Of data in order all that were not acknowledged come again, and do not count.
  mutating func forgetUnacknowledged() {
    transfer.expectAgain(from: recovery.acknowledgedLength, parameters: parameters)
    mayRepeat = true
    if isOrdered { bytes = ByteSet(upTo: min(bytes.firstMissing, acknowledged.length)) }
  }

  /// The numbers go on behind what was acknowledged, and so do sequences.
  mutating func restart() {
    numbers.restart(at: acknowledged.number)
    asked.forget(from: acknowledged.number)
    (floor, finals) = (acknowledged.number, [])
  }

  /// Counts the bytes of a Data-In that was admitted and is whole; false where the connection is
  /// given up.
  mutating func countBytes(
    _ dataIn: DataIn, expStatSN: SerialNumber
  ) throws(Disagreement) -> Bool {
    let range = range(of: dataIn)
    for gap in bytes.gaps(in: range) { bytes.insert(gap) }
    let hasAll = isOrdered ? bytes.firstMissing >= range.upperBound : isWhole
    let isAsking = dataIn.requestsAcknowledgement
    let isUnanswerable = isAsking && dataIn.header.targetTransferTag == .reserved
    let isRight = bytes.apartCount <= ReadModel.apartLimit && !isUnanswerable
    let found: TaskRecovery.Acknowledgement?
    do throws(ProtocolViolation) {
      try transfer.place(dataIn, record: &record)
      found = try recovery.acknowledge(
        dataIn, hasAllBefore: transfer.hasAll(upTo: dataIn, parameters: parameters))
    } catch {
      try RecoveringConnection.holdRefusal(error, isRight: !isRight, "bytes at \(range)")
      return false
    }
    try hold(isRight, "bytes are counted beyond a bound, or have no tag: \(range)")
    let end = dataIn.dataSN &+ 1
    let advance = Int(Int32(bitPattern: end &- wire(acknowledged.number)))
    guard isAsking, hasAll, advance > 0 else {
      try hold(found == nil, "nothing is acknowledged while bytes are missing, or unasked")
      return true
    }
    guard let found else { throw Disagreement("a DataACK is owed behind an R-Data SNACK") }
    try agree(found.begRun, end, "BegRun of a DataACK")
    try agree(found.targetTransferTag, dataIn.header.targetTransferTag, "the tag of a DataACK")
    try SNACKProperties.check(
      .dataACK, NumberGaps.Run(first: found.begRun, count: 0), lun: found.lun,
      tag: found.targetTransferTag, expStatSN: expStatSN)
    acknowledged.number += advance
    acknowledged.length = max(acknowledged.length, range.upperBound)
    restart()
    return true
  }
}
