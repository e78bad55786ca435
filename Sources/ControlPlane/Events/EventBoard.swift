import LinuxIO
import Reactor
import Synchronization
import SystemPackage

/// Tells everyone who has `events` open what happens, a line an event.
///
/// A line is the time (RFC 3339), the object as a path in the tree or a portal, and what happened,
/// separated by spaces. Posting never waits: who reads too slowly finds a line that says how many
/// were lost.
final class EventBoard: Sendable {
  /// Some 256 lines and more for each reader.
  static let streamBytes = 64 * 1024
  /// Readers at once.
  static let streamLimit = 64
  /// The longest line, in bytes: a target's name, and a sentence that may quote it.
  static let lineLimit = 1024

  private struct State {
    var streams: [ByteStream] = []
    /// The mount ends: nothing more happens.
    var isFinished = false
  }

  private let state = Mutex(State())
  private let now: @Sendable () -> WallTime

  init(now: @escaping @Sendable () -> WallTime) {
    self.now = now
  }

  /// What happens from now on, until the stream is closed; ENFILE when too many are open.
  func subscribe() throws(Errno) -> ByteStream {
    let stream = ByteStream(capacity: Self.streamBytes, readsLines: true) { [now] count in
      Self.line(now(), "events", "\(count) lost: read too slowly")
    }
    let isTaken = state.withLock { state in
      state.streams.removeAll(where: \.isClosed)
      guard state.streams.count < Self.streamLimit else { return false }
      state.streams.append(stream)
      if state.isFinished { stream.finish() }
      return true
    }
    guard isTaken else { throw .tooManyOpenFilesInSystem }
    return stream
  }

  /// Nothing more will be told: readers get what is there, then the end.
  func finish() {
    let streams = state.withLock { state in
      state.isFinished = true
      return state.streams
    }
    for stream in streams { stream.finish() }
  }

  /// Somebody has a stream that is not closed.
  var hasReaders: Bool { state.withLock { $0.streams.contains { !$0.isClosed } } }

  /// Tells of one event.
  func post(_ object: String, _ what: String) {
    let readers = state.withLock { $0.streams }
    guard !readers.isEmpty else { return }
    let line = Self.line(now(), object, what)
    let gone = readers.filter { !$0.write(line[...]) }
    guard !gone.isEmpty else { return }
    state.withLock { $0.streams.removeAll(where: \.isClosed) }
  }

  /// What a target says must neither end a line nor move a terminal's cursor.
  private static func line(_ time: WallTime, _ object: String, _ what: String) -> [UInt8] {
    var text = String.UnicodeScalarView()
    for scalar in "\(time) \(object) \(what)".unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator: text.append("?")
      default: text.append(scalar)
      }
    }
    var bytes = [UInt8](String(text).utf8)
    if bytes.count > lineLimit {
      // Not inside a character.
      var end = lineLimit
      while end > 0, bytes[end] & 0xC0 == 0x80 { end -= 1 }
      bytes.removeSubrange(end...)
    }
    return bytes + [UInt8(ascii: "\n")]
  }
}
