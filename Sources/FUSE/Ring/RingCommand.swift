/// What is submitted for a ring entry: `struct fuse_uring_cmd_req`, in the machine's byte order.
///
/// Source: linux/fuse.h (7.42), enum fuse_uring_cmd and struct fuse_uring_cmd_req.
package struct RingCommand: BitwiseCopyable, Equatable, Sendable {
  /// Hands an entry's memory to the kernel, which answers with a request in it.
  package static let register: UInt32 = 1
  /// Hands the answer in an entry's memory over, and the memory for the next request.
  package static let commitAndFetch: UInt32 = 2

  package var flags: UInt64 = 0
  /// The request answered: what the kernel wrote as `commit_id`; 0 to register.
  package var commitID: UInt64
  /// The queue, numbered as the processors are.
  package var queue: UInt16
  private var padding: (UInt16, UInt32) = (0, 0)

  package init(commitID: UInt64, queue: UInt16) {
    self.commitID = commitID
    self.queue = queue
  }

  package static func == (left: RingCommand, right: RingCommand) -> Bool {
    left.flags == right.flags && left.commitID == right.commitID && left.queue == right.queue
  }
}
