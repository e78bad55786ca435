import LinuxIO

/// One connection through a proxy.
struct ProxyLink: Sendable {
  private static let receiveByteCount = 64 << 10

  let initiator: NonblockingSocket
  let target: NonblockingSocket
  var toTarget: ProxyWay
  var toInitiator: ProxyWay
  /// Directions whose sender was waited for: another's is ready only when it was reset.
  private var awaited: Set<Direction> = []
  /// Bytes after which it is reset.
  var resetByteCount: Int?

  init(
    initiator: NonblockingSocket, target: NonblockingSocket, toTarget: ProxyWay,
    toInitiator: ProxyWay, resetByteCount: Int?
  ) {
    self.initiator = initiator
    self.target = target
    self.toTarget = toTarget
    self.toInitiator = toInitiator
    self.resetByteCount = resetByteCount
  }

  var movedCount: Int { toTarget.movedCount + toInitiator.movedCount }
  var changeCount: Int { (toTarget.filter?.count ?? 0) + (toInitiator.filter?.count ?? 0) }

  /// Both ends close by a reset when they are let go of.
  func reset() {
    initiator.resetOnClose()
    target.resetOnClose()
  }

  /// The initiator's end, then the target's.
  mutating func interests(_ disturbance: Disturbance, at now: UInt64) -> [PollEntry] {
    let goesOut = !disturbance.held.contains(.toTarget)
    let comesIn = !disturbance.held.contains(.toInitiator)
    awaited = []
    if goesOut, toTarget.hasRoom { awaited.insert(.toTarget) }
    if comesIn, toInitiator.hasRoom { awaited.insert(.toInitiator) }
    return [
      PollEntry(
        initiator.descriptor, reads: awaited.contains(.toTarget),
        writes: comesIn && (toInitiator.due.map { $0 <= now } ?? false)),
      PollEntry(
        target.descriptor, reads: awaited.contains(.toInitiator),
        writes: goesOut && (toTarget.due.map { $0 <= now } ?? false)),
    ]
  }

  /// Moves what can be moved; false when an end has gone.
  mutating func turn(
    _ ready: ArraySlice<PollEntry>, _ disturbance: Disturbance, at now: UInt64,
    random: inout RandomSequence
  ) -> Bool {
    var isOpen = true
    for (way, entry) in zip([\ProxyLink.toTarget, \.toInitiator], ready) {
      let isOutgoing = self[keyPath: way].direction == .toTarget
      let isHeld = disturbance.held.contains(self[keyPath: way].direction)
      if entry.reads, !awaited.contains(self[keyPath: way].direction) {
        isOpen = false
      } else if entry.reads, !isHeld {
        let delay = disturbance.delayMilliseconds.map { Int.random(in: $0, using: &random) } ?? 0
        var buffer = [UInt8](repeating: 0, count: Self.receiveByteCount)
        switch (isOutgoing ? initiator : target).receive(into: &buffer) {
        case .moved(let count):
          self[keyPath: way].add(buffer[..<count], due: now + UInt64(delay))
        case .wouldBlock: break
        case .ended: isOpen = false
        }
      }
      let sink = isOutgoing ? target : initiator
      if !isHeld, !self[keyPath: way].send(to: sink, at: now, segment: disturbance.segmentByteCount)
      {
        isOpen = false
      }
    }
    return isOpen
  }
}
