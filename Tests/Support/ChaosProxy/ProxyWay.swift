import LinuxIO

/// One direction of a connection through a proxy: what came and has not gone on yet.
struct ProxyWay: Sendable {
  /// Bytes that wait at most; beyond them nothing is read, and the sender's window closes.
  private static let limit = 1 << 20
  /// Sends in a turn at most, where segments are small.
  private static let sendLimit = 512

  private struct Piece: Sendable {
    var bytes: [UInt8]
    /// Milliseconds of the monotonic clock.
    var due: UInt64
  }

  let direction: Direction
  private(set) var filter: (any StreamFilter)?
  /// Bytes that went on.
  private(set) var movedCount = 0
  private var pieces: [Piece] = []
  private var waitingCount = 0
  private var offset = 0

  init(_ direction: Direction, filter: (any StreamFilter)?) {
    self.direction = direction
    self.filter = filter
  }

  var hasRoom: Bool { waitingCount < Self.limit }

  /// When the first piece may go on; nil when there is none.
  var due: UInt64? { pieces.first?.due }

  mutating func add(_ bytes: ArraySlice<UInt8>, due: UInt64) {
    let bytes = filter?.pass(bytes) ?? Array(bytes)
    guard !bytes.isEmpty else { return }
    waitingCount += bytes.count
    pieces.append(Piece(bytes: bytes, due: max(due, pieces.last?.due ?? 0)))
  }

  /// Sends what is due; false when the other end has gone.
  mutating func send(to sink: NonblockingSocket, at now: UInt64, segment: Int?) -> Bool {
    var sends = 0
    while let piece = pieces.first, piece.due <= now, sends < Self.sendLimit {
      sends += 1
      let outcome =
        if let segment, piece.bytes.count - offset > segment {
          sink.send(Array(piece.bytes[offset..<offset + segment]), from: 0)
        } else {
          sink.send(piece.bytes, from: offset)
        }
      switch outcome {
      case .moved(let count):
        offset += count
        movedCount += count
        waitingCount -= count
        if offset == piece.bytes.count {
          pieces.removeFirst()
          offset = 0
        }
      case .wouldBlock: return true
      case .ended: return false
      }
    }
    return true
  }
}
