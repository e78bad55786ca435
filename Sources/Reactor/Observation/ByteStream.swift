import Synchronization
package import SystemPackage

/// Bytes on their way from one who never waits to readers who may: `events`, `capture`.
///
/// A ring of fixed size, written in whole records: one that finds no room is lost and counted. What
/// a reader was given stays in the ring until it says that it has arrived, so that an interrupted
/// read loses nothing.
package final class ByteStream: Sendable {
  /// Readers that may wait at once; the number of them is the number of threads in one `read`.
  static let readerLimit = 4

  fileprivate struct State: Sendable {
    var ring: [UInt8]
    var start = 0
    var count = 0
    /// Records lost since the last one that is in the ring, and in all.
    var lostCount: UInt64 = 0
    var totalLostCount: UInt64 = 0
    /// The writer has said its last.
    var isFinished = false
    /// Nobody reads any more.
    var isClosed = false
    /// Somebody was given bytes and has not said whether they arrived.
    var isOffered = false
    var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    var nextReader = 0
    /// Told once when there is something to read.
    var wake: (@Sendable () -> Void)?

    var isReadable: Bool { count > 0 || isFinished || isClosed }

    /// Whether a reader need not wait, or not any longer.
    var servesReader: Bool { isClosed || !isOffered && (count > 0 || isFinished) }
  }

  private let state: Mutex<State>
  /// A read ends with the line it begins in.
  private let readsLines: Bool
  /// The record that tells how many were lost, where readers can be told.
  private let lossNote: (@Sendable (UInt64) -> [UInt8])?

  /// - Parameters:
  ///   - capacity: bytes at most between writer and reader.
  ///   - readsLines: a read gives one line at most, so that who wants one takes no other.
  ///   - lossNote: a record in the place of so many that were lost.
  package init(
    capacity: Int, readsLines: Bool = false, lossNote: (@Sendable (UInt64) -> [UInt8])? = nil
  ) {
    precondition(capacity > 0)
    state = Mutex(State(ring: [UInt8](repeating: 0, count: capacity)))
    self.readsLines = readsLines
    self.lossNote = lossNote
  }

  /// Nobody reads any more.
  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Readers that wait.
  package var waitingCount: Int { state.withLock { $0.waiting.count } }

  /// Somebody polls and has not been told yet.
  package var hasPoller: Bool { state.withLock { $0.wake != nil } }

  /// Records lost so far.
  package var lostCount: UInt64 { state.withLock { $0.totalLostCount } }

  // MARK: - The writer

  /// Adds a record, or counts it as lost; false when nobody reads any more.
  ///
  /// Never waits for a reader, and allocates nothing unless records were lost before.
  @discardableResult
  package func write(_ record: ArraySlice<UInt8>) -> Bool {
    let wakes = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?, Wake?)? in
      guard !state.isClosed, !state.isFinished else { return nil }
      if state.lostCount > 0, let note = lossNote?(state.lostCount),
        state.count + note.count + record.count <= state.ring.count
      {
        state.append(note[...])
        state.lostCount = 0
      }
      let isLost =
        state.count + record.count > state.ring.count || lossNote != nil && state.lostCount > 0
      guard !isLost else {
        state.lostCount += 1
        state.totalLostCount += 1
        return (true, nil, nil)
      }
      state.append(record)
      return (true, state.takeReader(), state.wake.take())
    }
    guard let (_, reader, wake) = wakes else { return false }
    reader?.resume()
    wake?()
    return true
  }

  /// Nothing more will come: readers get what is there, then the end.
  package func finish() { end { $0.isFinished = true } }

  // MARK: - The reader

  /// Lets go of everybody: readers get the end, the writer's next record is refused.
  package func close() { end { $0.isClosed = true } }

  /// At most `count` bytes; empty at the end of the stream.
  ///
  /// `settle` must follow. Without bytes it waits, or fails with EAGAIN when it shall not; EINTR
  /// when its task is cancelled, EBUSY when too many wait already.
  package func read(count: Int, waits: Bool) async throws(Errno) -> ArraySlice<UInt8> {
    while true {
      let (bytes, reader) = try begin(count: count, waits: waits)
      if let bytes {
        // The end is everybody's.
        if bytes.isEmpty { state.withLock { $0.takeReader() }?.resume() }
        return bytes[...]
      }
      await withTaskCancellationHandler {
        await withCheckedContinuation { park(reader, $0) }
      } onCancel: {
        release(reader)
      }
      if Task.isCancelled {
        // Who woke it meant a reader: the next one.
        state.withLock { $0.takeReader() }?.resume()
        throw .interrupted
      }
    }
  }

  /// Says that `taken` of the bytes last read have arrived; 0 leaves them to be read again.
  package func settle(taken: Int) {
    let reader = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.isOffered else { return nil }
      precondition(taken >= 0 && taken <= state.count, "no more arrives than was read")
      state.isOffered = false
      state.start = (state.start + taken) % state.ring.count
      state.count -= taken
      if state.count == 0, state.lostCount > 0, let note = lossNote?(state.lostCount),
        note.count <= state.ring.count
      {
        state.append(note[...])
        state.lostCount = 0
      }
      return state.takeReader()
    }
    reader?.resume()
  }

  /// Whether a read would not wait, and whether the end was reached.
  ///
  /// - Parameter wake: called once, when there is something to read, if there is nothing now.
  package func poll(
    _ wake: (@Sendable () -> Void)?
  ) -> (isReadable: Bool, isAtEnd: Bool) {
    state.withLock { state in
      if !state.isReadable, let wake { state.wake = wake }
      return (state.isReadable, state.count == 0 && state.isReadable)
    }
  }

  // MARK: - Private

  private typealias Wake = @Sendable () -> Void

  private func end(_ change: @Sendable (inout State) -> Void) {
    let (readers, wake) = state.withLock { state in
      change(&state)
      defer { state.waiting = [:] }
      return (state.waiting.values.map { $0 }, state.wake.take())
    }
    for reader in readers { reader.resume() }
    wake?()
  }

  /// The bytes there are, or a number to wait under.
  private func begin(
    count: Int, waits: Bool
  ) throws(Errno) -> (bytes: [UInt8]?, reader: Int) {
    let outcome = state.withLock { state -> Result<([UInt8]?, Int), Errno> in
      if state.servesReader {
        let bytes = state.isClosed ? [] : state.first(count, endsAtLine: readsLines)
        if !bytes.isEmpty { state.isOffered = true }
        return .success((bytes, 0))
      }
      guard waits else { return .failure(.resourceTemporarilyUnavailable) }
      guard state.waiting.count < Self.readerLimit else { return .failure(.resourceBusy) }
      state.nextReader += 1
      return .success((nil, state.nextReader))
    }
    return try outcome.get()
  }

  private func park(_ reader: Int, _ continuation: CheckedContinuation<Void, Never>) {
    let isParked = state.withLock { state in
      guard !state.servesReader else { return false }
      state.waiting[reader] = continuation
      return true
    }
    guard isParked else { return continuation.resume() }
    // A cancellation from before has found nobody to release.
    if Task.isCancelled { release(reader) }
  }

  private func release(_ reader: Int) {
    state.withLock { $0.waiting.removeValue(forKey: reader) }?.resume()
  }
}

extension ByteStream.State {
  /// Adds bytes for which there is room.
  fileprivate mutating func append(_ bytes: ArraySlice<UInt8>) {
    var end = (start + count) % ring.count
    var rest = bytes
    while !rest.isEmpty {
      let piece = rest.prefix(ring.count - end)
      unsafe ring.withUnsafeMutableBytes { ring in
        unsafe piece.withUnsafeBytes { piece in
          // SAFETY: the piece ends with the ring at the latest.
          unsafe UnsafeMutableRawBufferPointer(rebasing: ring[end..<end + piece.count])
            .copyMemory(from: piece)
        }
      }
      rest = rest.dropFirst(piece.count)
      end = (end + piece.count) % ring.count
    }
    count += bytes.count
  }

  /// A copy of the first bytes, at most `limit`, and no further than the first line.
  fileprivate func first(_ limit: Int, endsAtLine: Bool) -> [UInt8] {
    let wanted = min(max(limit, 0), count)
    let head = min(wanted, ring.count - start)
    let bytes = [UInt8](ring[start..<start + head]) + ring[0..<wanted - head]
    guard endsAtLine, let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return bytes }
    return [UInt8](bytes[...end])
  }

  /// Takes out a reader that can go on.
  fileprivate mutating func takeReader() -> CheckedContinuation<Void, Never>? {
    guard servesReader, let reader = waiting.keys.min() else { return nil }
    return waiting.removeValue(forKey: reader)
  }
}
