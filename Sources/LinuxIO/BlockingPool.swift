import DequeModule
import Synchronization
package import SystemPackage

/// A few threads for calls that block, so that actors never do.
///
/// Work waits in a queue of limited length, first come first served; each piece must bound its own
/// time. Letting go of the pool ends its threads after the work they are at.
package final class BlockingPool: Sendable {
  private struct State: Sendable {
    var work: Deque<@Sendable () -> Void> = []
    var isStopped = false
  }

  /// What the threads share; it outlives the pool until the last of them has ended.
  private final class Queue: Sendable {
    let state = Mutex(State())
    /// Readable exactly while there is work or the pool is stopped: both sides change it under the
    /// lock.
    let ready: EventDescriptor

    init() throws(Errno) {
      ready = try EventDescriptor()
    }

    /// Lets the threads end when they have done what waits.
    func stop() {
      state.withLock { state in
        state.isStopped = true
        ready.signal()
      }
    }

    /// The oldest piece of work; waits for one, and is nil when the pool is stopped.
    func next() -> (@Sendable () -> Void)? {
      while true {
        let (work, isStopped) = state.withLock { state in
          let work = state.work.popFirst()
          if state.work.isEmpty && !state.isStopped { ready.clear() }
          return (work, state.isStopped)
        }
        if let work { return work }
        if isStopped { return nil }
        _ = ready.wait(milliseconds: nil)
      }
    }
  }

  private let queue: Queue
  private let capacity: Int

  /// Starts `threadCount` threads called `name`, or none; at most `capacity` pieces of work wait
  /// for one.
  package init(name: String, threadCount: Int, capacity: Int) throws(Errno) {
    precondition(threadCount > 0 && capacity > 0)
    let queue = try Queue()
    do throws(Errno) {
      for _ in 0..<threadCount {
        try PosixThread.start(name: name) { while let work = queue.next() { work() } }.detach()
      }
    } catch {
      queue.stop()
      throw error
    }
    self.queue = queue
    self.capacity = capacity
  }

  deinit { queue.stop() }

  /// Runs `body` on one of the threads; throws `refusal` without running it when the queue is full.
  package func run<Value: Sendable, Failure: Error>(
    refusal: Failure, _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result = await withCheckedContinuation {
      (continuation: CheckedContinuation<Result<Value, Failure>, Never>) in
      let isAccepted = queue.state.withLock { state in
        guard state.work.count < capacity else { return false }
        state.work.append { continuation.resume(returning: Result(catching: body)) }
        queue.ready.signal()
        return true
      }
      if !isAccepted { continuation.resume(returning: .failure(refusal)) }
    }
    return try result.get()
  }
}
