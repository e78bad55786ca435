package import ISCSI
package import Wire

/// The target's end of one connection, without I/O: bytes come in, actions go out.
///
/// The owner gives it what arrived and performs the actions in order. Time is milliseconds on any
/// clock that does not go back. A test drives it by hand; `SimulatorServer` drives it from sockets.
package final class TargetConnection {
  enum Phase {
    case login(LoginProgress)
    case fullFeature(SimulatedSession)
    case closed
  }

  /// Bytes of answers made in one turn before the rest of the input waits for the next.
  static let turnByteCount = 4 << 20

  package let portal: SimulatedPortal
  /// Applied in order, the first nearest to the target.
  package var faults: [any ConnectionFault] = []
  /// What login agreed on.
  package internal(set) var negotiated = NegotiatedParameters()
  /// The StatSN of the next response.
  package var statSN = SerialNumber(rawValue: 1)
  package internal(set) var connectionID: UInt16 = 0
  /// Input is left for another turn.
  package private(set) var wantsTurn = false
  var phase = Phase.login(LoginProgress())
  var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
  var textExchange: TextExchange?
  var nextTransferTag: UInt32 = 1
  var sentUnits = SentUnits()
  private var queue: [OutgoingUnit] = []
  private var queuedByteCount = 0
  private var staged: [OutgoingUnit] = []
  private var ending: ConnectionAction?
  /// It is no longer one of its session's, which goes on without it if there are others.
  private var hasLeft = false

  init(portal: SimulatedPortal) {
    self.portal = portal
  }

  /// The session, once login has ended.
  package var session: SimulatedSession? {
    if case .fullFeature(let session) = phase { session } else { nil }
  }

  /// Nothing more will be sent or understood.
  package var isClosed: Bool { if case .closed = phase { true } else { false } }

  /// A turn would do something: input is left, or another connection has caused output, or an end.
  package var isDue: Bool {
    wantsTurn || !queue.isEmpty || ending == .reset || (ending != nil && staged.isEmpty)
  }

  /// When a delayed PDU is due, on the caller's clock.
  package var nextDeadlineMilliseconds: UInt64? {
    staged.map(\.notBeforeMilliseconds).min()
  }

  /// Takes what arrived and returns all there is to do about it by `now`.
  package func receive(
    _ bytes: some Sequence<UInt8>, at now: UInt64 = 0
  ) -> [ConnectionAction] {
    accept(bytes)
    var actions = self.actions(at: now)
    while wantsTurn { actions += self.actions(at: now) }
    return actions
  }

  /// Keeps what arrived for the next `actions(at:)`.
  package func accept(_ bytes: some Sequence<UInt8>) {
    guard !isClosed else { return }
    assembler.append(bytes)
  }

  /// One turn: executes what has arrived, and returns what is due.
  package func actions(at now: UInt64 = 0) -> [ConnectionAction] {
    process(at: now)
    var batch = queue
    queue.removeAll(keepingCapacity: true)
    queuedByteCount = 0
    for fault in faults { batch = fault.outgoing(batch, on: self, at: now) }
    staged += batch
    return dueActions(at: now)
  }

  /// The peer has gone, or the owner closed the socket.
  package func connectionLost() {
    guard !isClosed else { return }
    if let session {
      if hasLeft {
        if session.connections.isEmpty, session.lost.isEmpty { session.end() }
      } else if session.recoversConnections {
        session.lose(self, at: portal.now)
      } else {
        // Below ErrorRecoveryLevel 2 a session ends with any of its connections (RFC 7143, 7.1.4).
        for other in session.connections where other !== self { other.reset() }
        session.end()
      }
    }
    phase = .closed
    portal.remove(self)
  }

  /// Closes after what is queued has been sent.
  package func close() {
    if ending == nil { ending = .close }
  }

  /// Resets at once.
  package func reset() {
    ending = .reset
  }

  /// Takes the connection out of its session, as a logout does, and closes it.
  func leave(resetting: Bool) {
    guard let session else { return }
    hasLeft = true
    session.endTasks(on: self)
    session.connections.removeAll { $0 === self }
    if resetting { reset() } else { close() }
  }

  /// Ends a connection whose tasks go on over another one.
  func leaveForRecovery() {
    hasLeft = true
    reset()
  }

  /// Queues a PDU of the target's.
  package func send(_ header: BasicHeaderSegment, data: [UInt8] = []) {
    let unit = ProtocolDataUnit(header: header, data: data)
    if session != nil, recovers { sentUnits.keep(unit) }
    sendAgain(unit)
  }

  /// Queues a PDU that is not to be kept.
  func sendAgain(_ unit: ProtocolDataUnit) {
    let isFullFeature = session != nil
    queue.append(
      OutgoingUnit(
        unit: unit, headerDigest: isFullFeature && negotiated.headerDigest,
        dataDigest: isFullFeature && negotiated.dataDigest))
    queuedByteCount += unit.data.count + BasicHeaderSegment.byteCount
  }

  /// The StatSN for a response that is about to be sent.
  func takeStatSN() -> SerialNumber {
    defer { statSN = statSN.successor }
    return statSN
  }

  func makeTransferTag() -> TargetTransferTag {
    defer { nextTransferTag = nextTransferTag == 0xFFFF_FFFE ? 1 : nextTransferTag + 1 }
    return TargetTransferTag(rawValue: nextTransferTag)
  }

  private func process(at now: UInt64) {
    wantsTurn = false
    portal.now = max(portal.now, now)
    while ending == nil, !isClosed {
      guard queuedByteCount < Self.turnByteCount else {
        wantsTurn = true
        return
      }
      let unit: ProtocolDataUnit?
      do {
        unit = try assembler.next()
      } catch {
        // Lengths or digests that cannot be trusted end the connection (RFC 7143, 7.7).
        return close()
      }
      guard let unit else { return }
      portal.log.recordReceived(unit)
      var units = [unit]
      for fault in faults.reversed() {
        units = units.flatMap { fault.incoming($0, on: self, at: now) }
      }
      for unit in units where ending == nil { handle(unit) }
    }
  }

  private func dueActions(at now: UInt64) -> [ConnectionAction] {
    guard ending != .reset else { return finish(with: .reset) }
    var actions: [ConnectionAction] = []
    var later: [OutgoingUnit] = []
    for unit in staged {
      guard unit.notBeforeMilliseconds <= now else {
        later.append(unit)
        continue
      }
      portal.log.recordSent(unit.unit)
      var wire: [ConnectionAction] = [
        .send(unit.unit.encoded(headerDigest: unit.headerDigest, dataDigest: unit.dataDigest))
      ]
      for fault in faults { wire = fault.wire(wire, of: unit.unit.header) }
      for action in wire {
        append(action, to: &actions)
        switch action {
        case .send, .sendUrgent: continue
        case .close, .reset:
          connectionLost()
          return actions
        }
      }
    }
    staged = later
    if let ending, staged.isEmpty { return actions + finish(with: ending) }
    return actions
  }

  private func finish(with action: ConnectionAction) -> [ConnectionAction] {
    ending = nil
    staged = []
    guard !isClosed else { return [] }
    connectionLost()
    return [action]
  }

  /// Small PDUs share a segment, unless a fault asks for segments of their own.
  private func append(_ action: ConnectionAction, to actions: inout [ConnectionAction]) {
    guard case .send(let bytes) = action, case .send(let earlier)? = actions.last,
      !faults.contains(where: \.keepsSegments), earlier.count + bytes.count <= 65_536
    else { return actions.append(action) }
    actions.removeLast()
    actions.append(.send(earlier + bytes))
  }
}
