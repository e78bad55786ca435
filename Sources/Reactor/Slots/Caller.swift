/// Who waits for an answer of ours: a request of the kernel's, and the way it came.
struct Caller: BitwiseCopyable {
  /// FUSE's name for the request.
  var unique: UInt64 = 0
  private var entryNumber = UInt16.max

  /// Nobody.
  init() {}

  /// A request read from /dev/fuse.
  init(unique: UInt64) {
    self.unique = unique
  }

  /// A request that came in an entry of the ring, whose memory is lent until the answer.
  init(unique: UInt64, entry: Int) {
    self.unique = unique
    entryNumber = UInt16(entry)
  }

  /// The ring entry to answer in; nil when /dev/fuse is written to.
  var entry: Int? { entryNumber == .max ? nil : Int(entryNumber) }
}
