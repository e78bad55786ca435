import FUSE

/// Who waits for an answer of ours: a request of the kernel's, and the way it came.
struct Caller: BitwiseCopyable {
  /// FUSE's name for the request.
  var unique: UInt64 = 0
  /// The thread that waits for the answer, 0 where the kernel does not tell.
  var thread: UInt32 = 0
  private var entryNumber = UInt16.max

  /// Nobody.
  init() {}

  /// A request read from /dev/fuse.
  init(_ header: RequestHeader) {
    unique = header.unique
    thread = header.pid
  }

  /// A request that came in an entry of the ring, whose memory is lent until the answer.
  init(_ header: RequestHeader, entry: Int) {
    self.init(header)
    entryNumber = UInt16(entry)
  }

  /// The ring entry to answer in; nil when /dev/fuse is written to.
  var entry: Int? { entryNumber == .max ? nil : Int(entryNumber) }
}
