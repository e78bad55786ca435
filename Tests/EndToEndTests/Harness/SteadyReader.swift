import LinuxIO
import Synchronization
import SystemPackage

/// A user of a LUN file who reads without a pause, one block after the other, on a thread of its
/// own, and remembers the worst.
final class SteadyReader: Sendable {
  struct Account: Sendable {
    var readCount = 0
    var slowest = Duration.zero
    /// The first thing that went wrong.
    var failure: String?
  }

  private struct State {
    var account = Account()
    var isStopping = false
    var thread: PosixThread?
  }

  private static let byteCount = 4096
  private let path: String
  private let contents: [UInt8]
  private let state = Mutex(State())

  /// - Parameter contents: what the file begins with, whole blocks of it; what is read is compared.
  init(_ path: String, holding contents: [UInt8]) throws(Errno) {
    precondition(!contents.isEmpty && contents.count.isMultiple(of: Self.byteCount))
    self.path = path
    self.contents = contents
    let thread = try PosixThread.start(name: "steady-reader") { [self] in run() }
    state.withLock { $0.thread = thread }
  }

  /// Ends the reading and says how it went.
  func stop() -> Account {
    let thread = state.withLock { state in
      state.isStopping = true
      return state.thread
    }
    thread?.join()
    return state.withLock { $0.account }
  }

  private func run() {
    do throws(Errno) {
      let file = try OpenFile(path, .direct)
      let clock = ContinuousClock()
      var offset = 0
      while !state.withLock({ $0.isStopping }) {
        let start = clock.now
        let bytes = try file.read(Self.byteCount, at: offset)
        note(
          clock.now - start,
          isRight: bytes == Array(contents[offset..<offset + Self.byteCount]))
        offset = (offset + Self.byteCount) % contents.count
      }
    } catch {
      state.withLock { $0.account.failure = $0.account.failure ?? "\(error)" }
    }
  }

  private func note(_ duration: Duration, isRight: Bool) {
    state.withLock { state in
      state.account.readCount += 1
      state.account.slowest = max(state.account.slowest, duration)
      if !isRight { state.account.failure = state.account.failure ?? "wrong bytes" }
    }
  }
}
