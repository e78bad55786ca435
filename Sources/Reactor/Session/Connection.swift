import ISCSI
import LinuxIO
import Wire

/// One connection of a session: a socket, what waits before it and what comes behind it.
///
/// Lives at its index, its *place*, for the reactor's whole life. A session's first connection has
/// the session's own place; every further one has that of a session which is not there.
struct Connection: ~Copyable {
  enum State: UInt8 {
    case closed
    case up
    /// A Logout Request was sent on it, for itself or for the session: no request follows.
    case loggingOut
  }

  /// Where in a PDU the receiver stands.
  enum Position: UInt8 {
    case header
    /// The payload of a Data-In goes straight into a slot's pages.
    case payload
    /// Padding and data digest behind such a payload.
    case trailer
    /// The rest of a Data-In nobody wants.
    case discard
  }

  var state = State.closed
  /// The place of the session it belongs to.
  var session: UInt16 = 0
  private var socket: OwnedDescriptor?
  /// The socket's number; -1 while there is none.
  private(set) var descriptor: CInt = -1
  var connectionID: UInt16 = 0
  /// Counts the sockets the ring has polled here: what it tells of an earlier one is not about
  /// this.
  var watch: UInt32 = 0
  var machine: FullFeatureMachine

  // Transmit side.
  var transmit: TransmitQueue
  /// Slots with a burst to send, one entry a burst, in the order the target asked.
  var bursts: IndexQueue
  /// The socket was full: wait until it is writable.
  var awaitsWritable = false
  /// Commands sent and not answered.
  var inFlightCount: UInt32 = 0
  /// It is to be logged out alone: it gets no further command, and the Logout Request when those it
  /// has are answered, or are not by `closeBy`.
  private(set) var isClosing = false

  // Receive side.
  var receive: ReceiveBuffer
  var position = Position.header
  /// The Data-In whose payload is under way, its slot, and what of it is still to come.
  var payloadHeader = BasicHeaderSegment(opcode: .dataIn)
  var payloadSlot = 0
  var payloadOffset = 0
  var payloadRemaining = 0
  /// Bytes of an unwanted Data-In still to come.
  var discardRemaining = 0
  /// One receive may leave bytes no edge tells of: the target has sent its last, or urgent data.
  var receivesToTheEnd = false
  /// The last Data-In was large: receive headers alone, payload where it belongs.
  var expectsLargePayload = false

  // Time, in monotonic nanoseconds.
  var receivedAt: UInt64 = 0
  /// When something left for the last time.
  var transmittedAt: UInt64 = 0
  /// When the first byte of the PDU under way arrived.
  var unitBeganAt: UInt64 = 0
  /// When an unanswered ping was sent; 0 when none is.
  var pingedAt: UInt64 = 0
  /// Who waits for its answer.
  var pingers: [CheckedContinuation<PingOutcome, Never>] = []
  /// Those at once.
  static let pingerLimit = 16
  /// What its Logout Request asked for.
  var logoutReason = LogoutRequest.Reason.closeSession
  /// By when a connection that is to be logged out alone must send its request, then by when it
  /// must have the response.
  var closeBy: UInt64 = 0
  /// Who waits for it to be closed.
  private var closers: [CheckedContinuation<ConnectionClosing, Never>] = []

  // What is lost, from ErrorRecoveryLevel 1 on.
  /// It is asked for again.
  private(set) var recovers = false
  /// Something was asked for, or sent, again on this connection: what comes twice is no surprise.
  var hasRepeated = false
  /// PDUs asked for more than once since one of those asked for came.
  var repeats: UInt8 = 0
  /// By when something asked for must come; 0 when nothing was.
  var recoverBy: UInt64 = 0

  // What is done about its tasks when it is gone: lost from ErrorRecoveryLevel 2 on, or closed.
  var recovery = ConnectionRecovery()
  /// When the recovery goes on, or by when the target must have answered.
  var recoveryDue: UInt64 = 0
  /// How many seconds its target asks it to stay away when it has been closed in order.
  var waitToReturn: UInt16 = 0
  /// The place of the connection its Logout Request for recovery went out on.
  var recoveryCarrier: UInt16 = 0

  var statistics = SessionStatistics()
  var observer = PDUObserver()

  /// A text exchange under way, and by when it must be over.
  var text: TextExchange?
  var textDeadline: UInt64 = 0
  /// Exchanges so far: their tags are told apart by it.
  var textCount: UInt16 = 0
  /// The text of the request that was sent last.
  let textStorage: PageRegion

  /// Nil when the kernel has no memory.
  ///
  /// - Parameter burstCapacity: a power of two, as many as there are bursts of slots.
  init?(limits: IOLimits, burstCapacity: Int) {
    guard let receive = ReceiveBuffer(byteCount: limits.receiveBytes),
      let transmit = TransmitQueue(capacity: limits.transmitEntries),
      let textStorage = PageRegion(byteCount: TextExchange.maximumAnswerByteCount)
    else { return nil }
    self.textStorage = textStorage
    self.receive = receive
    self.transmit = transmit
    bursts = IndexQueue(capacity: burstCapacity)
    machine = FullFeatureMachine(
      parameters: NegotiatedParameters(), expStatSN: SerialNumber(rawValue: 0))
  }

  var isConnected: Bool { descriptor >= 0 }

  /// Whether another command may be queued on it.
  @inline(__always)
  var takesCommands: Bool { state == .up && !isClosing && transmit.hasRoom }

  /// Whether it goes on: not on its way out.
  var isLasting: Bool { state == .up && !isClosing }

  /// Whether a PDU has arrived in part.
  var isAmidUnit: Bool { position != .header || receive.count > 0 }

  /// The tag of the text exchange under way; its low half is no slot's.
  var textTag: InitiatorTaskTag {
    InitiatorTaskTag(rawValue: UInt32(textCount) << 16 | 0xFFFC)
  }

  /// What has arrived of a payload on its way into this slot's pages; nil when none is.
  func payloadArrived(for slot: Int) -> Range<Int>? {
    guard position == .payload || position == .trailer, payloadSlot == slot else { return nil }
    let length = payloadHeader.dataSegmentLength
    return payloadOffset + payloadRemaining - length..<payloadOffset
  }

  /// Takes a connected socket, whose numbers `machine` has already.
  mutating func connect(_ socket: consuming OwnedDescriptor) {
    // Also should this process end: what is not sent then is nobody's.
    socket.setResetsOnClose(true)
    descriptor = socket.rawValue
    self.socket = consume socket
    state = .up
    recovers = machine.recovers
    hasRepeated = false
    repeats = 0
    recoverBy = 0
    isClosing = false
  }

  /// Gives it no further command.
  mutating func beginClosing(
    by deadline: UInt64, _ closer: CheckedContinuation<ConnectionClosing, Never>? = nil
  ) {
    closeBy = isClosing ? min(closeBy, deadline) : deadline
    isClosing = true
    if let closer { closers.append(closer) }
  }

  /// Tells who waits how the closing of the connection has ended.
  mutating func endClosing(_ outcome: ConnectionClosing) {
    guard !closers.isEmpty else { return }
    let waiting = closers
    closers = []
    for closer in waiting { closer.resume(returning: outcome) }
  }

  /// Closes the socket and forgets what was under way on it; slots whose PDUs were queued are told.
  ///
  /// - Parameter isLoggedOut: the target has answered the Logout, and has taken all there was. Else
  ///   the kernel may hold bytes of a write that is given up, or sent again elsewhere: they are
  ///   thrown away by a reset, lest they arrive behind a later write of the same blocks.
  mutating func disconnect(_ slots: borrowing SlotTable, isLoggedOut: Bool) {
    state = .closed
    if isLoggedOut { socket?.setResetsOnClose(false) } else { socket?.reset() }
    socket = nil
    descriptor = -1
    awaitsWritable = false
    receivesToTheEnd = false
    expectsLargePayload = false
    position = .header
    payloadRemaining = 0
    receive.removeAll()
    bursts.removeAll()
    inFlightCount = 0
    text = nil
    endPing(.sessionLost)
    endClosing(.sessionLost)
    transmit.removeAll(slots)
  }

  /// The ping under way is over.
  mutating func endPing(_ outcome: PingOutcome) {
    pingedAt = 0
    endPingers(outcome)
  }

  /// Who waits for its answer waits no longer.
  mutating func endPingers(_ outcome: PingOutcome) {
    guard !pingers.isEmpty else { return }
    let waiting = pingers
    pingers = []
    for pinger in waiting { pinger.resume(returning: outcome) }
  }
}
