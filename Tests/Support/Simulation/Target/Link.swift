import Glibc
import ISCSI

/// One TCP connection as the network may treat it: delayed, cut into pieces, held up, ended at any
/// byte, and, where digests would tell, changed.
final class Link {
  private let world: World
  private let socket: SocketEnd
  let session: Int
  let connectionID: UInt16
  let parameters: NegotiatedParameters
  /// Who gets what the client sends, and is told of its end.
  weak var connection: NexusConnection?

  /// When the last byte under way arrives, in each direction.
  private var outArrival: UInt64 = 0
  private var inArrival: UInt64 = 0
  private var stalledUntil: UInt64 = 0
  /// Bytes that still pass before the link ends.
  private var outCut: Int?
  private var inCut: Int?
  /// Dead for the client, which hears of it when it sends next.
  private var resetsNext = false
  private(set) var isDead = false
  /// Bits were flipped on it: whoever sent them does not know what has come.
  private(set) var hasFlipped = false
  /// When bytes last came to the client.
  private(set) var deliveredAt: UInt64
  /// Piecewise: some links carry everything whole.
  private let splitPermille: Int
  private let delayMost: UInt64

  init(
    world: World, socket: SocketEnd, session: Int, connectionID: UInt16 = 0,
    parameters: NegotiatedParameters
  ) {
    self.world = world
    self.socket = socket
    self.session = session
    self.connectionID = connectionID
    self.parameters = parameters
    deliveredAt = world.now
    splitPermille = world.random.pick([0, 100, 400])
    delayMost = world.random.pick([0, 1, 10, 200]) * World.millisecond
    if world.wants(80) { outCut = world.random.below(40_000) }
    if world.wants(80) { inCut = world.random.below(40_000) }
  }

  /// Takes what the client has sent; true when there was something.
  func collect() -> Bool {
    if resetsNext, socket.hasUnread {
      // Closed with bytes unread: the other end learns of it as of an RST.
      socket.close()
      resetsNext = false
      return true
    }
    guard !isDead else { return false }
    var hasCome = false
    while !isDead {
      switch socket.receive(into: &world.room) {
      case .bytes(let bytes):
        hasCome = true
        carry(bytes)
      case .nothing: return hasCome
      case .end:
        clientClosed()
        return true
      }
    }
    return hasCome
  }

  private var canTellChanges: Bool { parameters.headerDigest && parameters.dataDigest }

  private func mistreat() {
    guard world.wants(12) else { return }
    let duration = world.random.pick([
      50 * World.millisecond, World.second, 7 * World.second, 40 * World.second, 1 << 50,
    ])
    world.inject(.linkStalled, session, Int(duration / World.millisecond))
    stalledUntil = max(stalledUntil, world.now + duration)
  }

  /// Client to target.
  private func carry(_ bytes: [UInt8]) {
    var bytes = bytes
    mistreat()
    if let cut = outCut {
      outCut = cut - bytes.count
      if bytes.count >= cut {
        send(Array(bytes[..<cut])) { $0.receive($1) }
        return die()
      }
    }
    if canTellChanges, world.wants(8) { flip(&bytes) }
    send(bytes) { $0.receive($1) }
  }

  private func send(_ bytes: [UInt8], _ deliver: @escaping (NexusConnection, [UInt8]) -> Void) {
    for piece in pieces(bytes) {
      outArrival = arrival(after: outArrival)
      world.at(outArrival) { [weak connection] in
        if let connection { deliver(connection, piece) }
      }
    }
  }

  /// Target to client.
  func send(_ bytes: [UInt8]) {
    guard !isDead else { return }
    var bytes = bytes
    mistreat()
    var ends = false
    if let cut = inCut {
      inCut = cut - bytes.count
      if bytes.count >= cut {
        bytes = Array(bytes[..<cut])
        ends = true
      }
    }
    if canTellChanges, !bytes.isEmpty, world.wants(8) { flip(&bytes) }
    for piece in pieces(bytes) {
      inArrival = arrival(after: inArrival)
      world.at(inArrival) { [weak self] in self?.deliver(piece) }
    }
    if ends {
      inCut = 0
      world.at(inArrival) { [weak self] in self?.die() }
    }
  }

  private func deliver(_ bytes: [UInt8]) {
    guard !isDead else { return }
    deliveredAt = world.now
    if !socket.send(bytes), errno != EPIPE, errno != ECONNRESET {
      world.violate("the reactor leaves megabytes unread in its socket")
    }
  }

  private func arrival(after last: UInt64) -> UInt64 {
    max(last, world.now + (delayMost == 0 ? 0 : world.random.delay(upTo: delayMost)), stalledUntil)
  }

  private func pieces(_ bytes: [UInt8]) -> [[UInt8]] {
    guard bytes.count > 1, world.random.chance(splitPermille) else {
      return bytes.isEmpty ? [] : [bytes]
    }
    var pieces: [[UInt8]] = []
    var rest = bytes[...]
    for _ in 0..<world.random.within(1...5) where rest.count > 1 {
      let count = world.random.chance(300) ? 1 : world.random.within(1...rest.count - 1)
      pieces.append(Array(rest.prefix(count)))
      rest = rest.dropFirst(count)
    }
    pieces.append(Array(rest))
    return pieces
  }

  private func flip(_ bytes: inout [UInt8]) {
    let place = world.random.below(bytes.count)
    bytes[place] ^= 1 << UInt8(world.random.below(8))
    world.inject(.bitFlipped, session, place)
    hasFlipped = true
  }

  // MARK: - Ends

  /// The connection ends for the client: at once as closed, or with its next bytes as reset.
  func die(isFault: Bool = true) {
    guard !isDead else { return }
    isDead = true
    let isReset = world.random.chance(400)
    if isFault { world.inject(isReset ? .linkReset : .linkClosed, session) }
    world.note(.linkDied, session, isReset ? 1 : 0)
    if isReset { resetsNext = true } else { socket.close() }
    tellTarget()
  }

  /// The target closes it behind the last byte it has sent.
  func dieBehindLast() {
    world.at(inArrival) { [weak self] in self?.die(isFault: false) }
  }

  private func clientClosed() {
    isDead = true
    socket.close()
    tellTarget()
  }

  /// The target hears of the end behind the last bytes, soon, late or never.
  private func tellTarget() {
    guard !world.random.chance(150) else { return }
    let delay = world.random.delay(upTo: 8 * World.second)
    world.at(max(outArrival, world.now) + delay) { [weak connection] in connection?.end() }
  }
}
