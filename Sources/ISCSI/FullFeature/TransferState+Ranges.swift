/// Ranges of a transfer in any order, each byte once.
extension TransferState {
  /// Counts the bytes from `start` up to `end`, which lie in the transfer.
  ///
  /// Refuses bytes counted before, and more pieces than the record has room for.
  mutating func cover(
    _ opcode: Opcode, _ start: UInt32, _ end: UInt32, _ record: inout TransferRecord
  ) throws(ProtocolViolation) {
    let overlap = ProtocolViolation.overlap(opcode, offset: start, length: end - start)
    guard start >= contiguousLength else { throw overlap }
    let count = Int(rangeCount)
    var next = 0
    while next < count, record.ranges[next].end <= start { next += 1 }
    guard next == count || end <= record.ranges[next].start else { throw overlap }

    let joinsNext = next < count && record.ranges[next].start == end
    if start == contiguousLength {
      // Every range lies behind the first gap: the one that follows is the first.
      contiguousLength = joinsNext ? record.ranges[next].end : end
      if joinsNext { remove(next, &record) }
    } else if next > 0, record.ranges[next - 1].end == start {
      record.ranges[next - 1].end = joinsNext ? record.ranges[next].end : end
      if joinsNext { remove(next, &record) }
    } else if joinsNext {
      record.ranges[next].start = start
    } else {
      guard count < TransferRecord.rangeCapacity else {
        throw .tooManyRanges(opcode, limit: TransferRecord.rangeCapacity)
      }
      for position in stride(from: count, to: next, by: -1) {
        record.ranges[position] = record.ranges[position - 1]
      }
      record.ranges[next] = TransferRecord.Span(start: start, end: end)
      rangeCount += 1
    }
  }

  private mutating func remove(_ index: Int, _ record: inout TransferRecord) {
    rangeCount -= 1
    for position in index..<Int(rangeCount) {
      record.ranges[position] = record.ranges[position + 1]
    }
  }
}
