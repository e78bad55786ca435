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

  private let streams = Mutex<[ByteStream]>([])
  private let now: @Sendable () -> WallTime

  init(now: @escaping @Sendable () -> WallTime) {
    self.now = now
  }

  /// What happens from now on, until the stream is closed; ENFILE when too many are open.
  func subscribe() throws(Errno) -> ByteStream {
    let stream = ByteStream(capacity: Self.streamBytes, readsLines: true) { [now] count in
      Self.line(now(), "events", "\(count) lost: read too slowly")
    }
    let isTaken = streams.withLock { streams in
      streams.removeAll(where: \.isClosed)
      guard streams.count < Self.streamLimit else { return false }
      streams.append(stream)
      return true
    }
    guard isTaken else { throw .tooManyOpenFilesInSystem }
    return stream
  }

  /// Tells of one event.
  func post(_ object: String, _ what: String) {
    let readers = streams.withLock { $0 }
    guard !readers.isEmpty else { return }
    let line = Self.line(now(), object, what)
    let gone = readers.filter { !$0.write(line[...]) }
    guard !gone.isEmpty else { return }
    streams.withLock { $0.removeAll(where: \.isClosed) }
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
