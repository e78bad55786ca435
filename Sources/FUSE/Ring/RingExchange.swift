import CFUSE3
import CLinux
import DequeModule
import Glibc
import Synchronization

/// Ring entries on their way between threads: to a reactor that can serve what another has
/// received, and back from the cold side with an answer.
///
/// An entry has one holder at a time, and with it goes the right to its memory. It is lent to the
/// cold side with `expect` before its request is handed over; whoever answers fills it. Any thread
/// may answer or forward; only the reactor named takes. Nothing here is on the path of a request
/// that stays where it came.
package final class RingExchange: Sendable {
  /// Whose ring commits an entry, by number.
  package typealias Lane = Int

  private struct Loan: Sendable {
    var entry: Int
    var lane: Lane
  }

  /// An entry on its way to another reactor.
  package struct Forwarded: Sendable {
    package var entry: Int
    /// Monotonic nanoseconds.
    package var arrivedAt: UInt64
  }

  private struct State: Sendable {
    var loans: [UInt64: Loan] = [:]
    var answered: [Deque<Int>]
    var forwarded: [Deque<Forwarded>]
  }

  package let memory: RingMemory
  private let state: Mutex<State>
  private let wake: @Sendable (Lane) -> Void
  /// Reactors that have no ring yet.
  private let missing: Atomic<Int>

  /// - Parameter wake: wakes a reactor; called from any thread.
  package init(memory: RingMemory, laneCount: Int, wake: @escaping @Sendable (Lane) -> Void) {
    self.memory = memory
    self.wake = wake
    missing = Atomic(laneCount)
    state = Mutex(
      State(
        answered: Array(repeating: [], count: laneCount),
        forwarded: Array(repeating: [], count: laneCount)))
  }

  /// A reactor has opened its ring.
  package func offer() {
    missing.subtract(1, ordering: .acquiringAndReleasing)
  }

  /// Whether INIT may promise rings: every reactor has one.
  var isOffered: Bool { missing.load(ordering: .acquiring) == 0 }

  /// Lends an entry to whoever answers the request `unique`.
  package func expect(_ unique: UInt64, entry: Int, lane: Lane) {
    state.withLock { $0.loans[unique] = Loan(entry: entry, lane: lane) }
  }

  /// Takes the loan back: the request was not handed over after all.
  package func forget(_ unique: UInt64) {
    state.withLock { $0.loans[unique] = nil }
  }

  /// The next entry of `lane` whose answer is in it; nil when there is none.
  package func next(lane: Lane) -> Int? {
    state.withLock { $0.answered[lane].popFirst() }
  }

  /// Hands an entry with a request to another reactor.
  package func forward(_ entry: Int, arrivedAt: UInt64, to lane: Lane) {
    state.withLock {
      $0.forwarded[lane].append(Forwarded(entry: entry, arrivedAt: arrivedAt))
    }
    wake(lane)
  }

  /// The next entry another reactor has handed to `lane`; nil when there is none.
  package func nextForwarded(lane: Lane) -> Forwarded? {
    state.withLock { $0.forwarded[lane].popFirst() }
  }

  /// How many requests of `queue` the cold side has not answered.
  package func pendingCount(queue: Int) -> Int {
    state.withLock { state in
      state.loans.values.count { memory.queue(of: $0.entry) == queue }
    }
  }

  /// Puts a reply into its request's entry; nil when the request came another way.
  ///
  /// - Parameter pieces: `fuse_out_header`, then the body.
  /// - Returns: the reply's length, or a negative error number when it does not fit.
  func send(_ pieces: UnsafePointer<iovec>, count: Int) -> Int? {
    // SAFETY: as many vectors as the caller says; the first holds at least the header.
    guard count > 0, unsafe pieces[0].iov_len >= ReplyHeader.byteCount,
      let first = unsafe pieces[0].iov_base
    else { return nil }
    let header = unsafe first.loadUnaligned(as: ReplyHeader.self)
    let loan = state.withLock { $0.loans[header.unique] }
    guard let loan else { return nil }
    let payload = Int(header.length) - ReplyHeader.byteCount
    guard payload >= 0, payload <= memory.layout.payloadLimit else { return -Int(EINVAL) }
    // Of two answers to one request the first counts.
    guard state.withLock({ $0.loans.removeValue(forKey: header.unique) }) != nil else {
      return -Int(ENOENT)
    }
    var destination = unsafe memory.base(loan.entry) + memory.layout.payload
    var rest = payload
    for index in 0..<count {
      let skipped = index == 0 ? ReplyHeader.byteCount : 0
      let length = min(rest, unsafe pieces[index].iov_len - skipped)
      guard length > 0, let base = unsafe pieces[index].iov_base else { continue }
      unsafe destination.copyMemory(from: base + skipped, byteCount: length)
      unsafe destination += length
      rest -= length
    }
    memory.answer(loan.entry, header, payloadCount: payload)
    state.withLock { $0.answered[loan.lane].append(loan.entry) }
    wake(loan.lane)
    return Int(header.length)
  }
}
