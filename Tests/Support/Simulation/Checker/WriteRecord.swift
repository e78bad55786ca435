/// One write as its caller knows it. Moments are numbers in the order of everything that happened.
struct WriteRecord {
  static let never = UInt32.max

  /// The kernel's number for it; zero: what was there at the start.
  let request: UInt64
  let unit: Int
  let granules: Range<Int>
  let begin: UInt32
  /// When it was answered, with success or not.
  var end = WriteRecord.never
  /// Answered with success.
  var isAcknowledged = false
  /// Answered with an error, or its caller is gone: it may be there all the same.
  var isFailed = false
  /// The device lost it before its answer had arrived: a deferred error tells of it.
  var isDoubtful = false
  /// An fsync promised that it stays, or its own answer did.
  var isSynced = false
  /// When an fsync told that it may be lost.
  var forgivenAt = WriteRecord.never
  /// The same on the clock.
  var forgivenTime: UInt64?
}
