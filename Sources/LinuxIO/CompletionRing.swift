import CLinux
import Glibc
package import SystemPackage

/// An io_uring: what one thread submits and what completes, with a single call for both.
///
/// It belongs to the thread that opened it. Submissions are only queued until `wait`, which hands
/// all of them over. Closed by `close` or with its owner.
/// The corresponding C functions are those of liburing.
@safe
package struct CompletionRing: ~Copyable {
  /// What became of a submission.
  package struct Completion: BitwiseCopyable, Sendable {
    package var token: UInt64
    /// The result, or a negative error number.
    package var result: Int32
    /// The submission completes again.
    package var repeats: Bool
  }

  private var ring: OpaquePointer?

  /// A ring that is not open.
  package init() {}

  deinit {
    // SAFETY: an open ring is this owner's alone.
    if let ring = unsafe ring { unsafe clinux_ring_close(ring) }
  }

  package var isOpen: Bool { unsafe ring != nil }

  /// Opens the ring, with room for at least `entries` submissions at once.
  package mutating func open(entries: Int) throws(Errno) {
    precondition(!isOpen && entries > 0)
    var made: OpaquePointer?
    _ = try Errno.check(unsafe clinux_ring_open(UInt32(entries), &made))
    unsafe ring = made
  }

  /// Whether this kernel lets this process have such a ring, and why not.
  package static func check() throws(Errno) {
    var trial = CompletionRing()
    try trial.open(entries: 2)
  }

  private var opened: OpaquePointer {
    guard let ring = unsafe ring else { preconditionFailure("the ring is open") }
    return unsafe ring
  }

  /// Queues a poll that completes at every edge of `interest`, or once.
  package borrowing func poll(
    _ number: CInt, _ interest: EventPoll.Interest, repeats: Bool, token: UInt64
  ) {
    let result = unsafe clinux_ring_poll(
      opened, number, interest.rawValue, repeats ? 1 : 0, token)
    precondition(result == 0, "the ring takes what its thread queues")
  }

  /// Queues the end of the poll that carries `token`; that it ended completes with `quiet`.
  package borrowing func endPoll(token: UInt64, quiet: UInt64) {
    let result = unsafe clinux_ring_end_poll(opened, token, quiet)
    precondition(result == 0, "the ring takes what its thread queues")
  }

  /// Queues a command of the file behind `number` (IORING_OP_URING_CMD).
  ///
  /// - Parameter command: its bytes, at most 80, copied before the call returns; what `address`
  ///   points at is read when the command is submitted.
  package borrowing func command<Command: BitwiseCopyable>(
    _ number: CInt, operation: UInt32, _ command: Command, address: UnsafeRawPointer? = nil,
    count: Int = 0, token: UInt64
  ) {
    // SAFETY: the bytes of a local of a trivial type.
    let result = unsafe withUnsafeBytes(of: command) { bytes in
      unsafe clinux_ring_command(
        opened, number, operation, bytes.baseAddress, bytes.count, address, UInt32(count), token)
    }
    precondition(result == 0, "the ring takes what its thread queues")
  }

  /// Submits what is queued and waits for a completion, at most so long (-1: without limit).
  package borrowing func wait(timeoutMilliseconds: CInt) {
    let result = unsafe clinux_ring_wait(opened, timeoutMilliseconds)
    // Short of memory or of room for completions the kernel takes the rest the next time.
    precondition(
      result == 0 || result == -EAGAIN || result == -EBUSY, "io_uring_enter fails only on misuse")
  }

  /// Takes the oldest completion; nil when there is none.
  package borrowing func next() -> Completion? {
    var completion = clinux_ring_completion()
    guard unsafe clinux_ring_next(opened, &completion) == 1 else { return nil }
    return Completion(
      token: completion.token, result: completion.result, repeats: completion.more != 0)
  }
}
