import FUSE
import Glibc
import LinuxIO
import SystemPackage

/// Requests that come through FUSE-over-io_uring, and the ring as what the reactor waits with.
///
/// An entry is the kernel's until it completes, ours until it is committed with its answer. The
/// commits of a turn go to the kernel with the call that waits for the next.
extension Reactor {
  /// What completions carry; the rest of a token is the descriptor's own (`Token`).
  enum RingToken {
    /// The entry's number below.
    static let entry: UInt64 = 1 << 62
    /// The epoll set is readable.
    static let descriptors: UInt64 = 1 << 61
    /// Nothing is to be done.
    static let quiet: UInt64 = 1 << 60
    /// A poll for room on a connection's socket.
    static let writable: UInt64 = 1 << 59
    /// A connection's poll: which of its sockets this is about, above its token.
    static let watchShift: UInt64 = 16
  }

  /// Entries of a queue that no request of the cold side may take which may wait for long.
  private static let entriesForIO = 8

  /// The memory of the ring's entries; nil where requests come only from /dev/fuse.
  var ringMemory: RingMemory? { ringExchange?.memory }

  /// Opens the ring, so that INIT may offer it; false when the kernel has none for us.
  mutating func openRing() -> Bool {
    guard let ringMemory else { return false }
    do throws(Errno) {
      try ring.open(entries: ringMemory.entryCount + 2 * connections.count + 4)
      return true
    } catch {
      return false
    }
  }

  /// Hands the kernel the entries of this reactor's queues, and waits with the ring from now on.
  mutating func registerRing() {
    guard ring.isOpen, !usesRing, !isUnmounted, let ringMemory else { return }
    usesRing = true
    if lane == 0 { port.report(channel: .ring) }
    for entry in 0..<ringMemory.entryCount
    where lanes.lane(of: ringMemory.queue(of: entry)) == lane {
      unsafe ring.command(
        fuseNumber, operation: RingCommand.register,
        RingCommand(commitID: 0, queue: UInt16(ringMemory.queue(of: entry))),
        address: ringMemory.registration(entry), count: 2, token: RingToken.entry | UInt64(entry))
    }
    ring.poll(poll.number, .readable, repeats: true, token: RingToken.descriptors)
    for index in 0..<connections.count where connections[index].isConnected {
      poll.remove(connections[index].descriptor)
      watchByRing(connection: index)
      if connections[index].awaitsWritable { watchRoomByRing(connection: index) }
    }
  }

  // MARK: - Waiting

  /// A turn that waits with the ring.
  mutating func turnByRing(timeoutMilliseconds: CInt) {
    ring.wait(timeoutMilliseconds: timeoutMilliseconds)
    now = MonotonicTime.now.nanoseconds
    if connectionsToReceive != 0 { receiveLeftovers() }
    while let completion = ring.next() { take(completion) }
    finishTurn()
  }

  private mutating func take(_ completion: CompletionRing.Completion) {
    let token = completion.token
    if token & RingToken.entry != 0 {
      return arrived(entry: Int(token & 0xFFFF), result: completion.result)
    }
    if token & RingToken.quiet != 0 { return }
    if token & RingToken.descriptors != 0 {
      // The set says again what is left over only when something is new: take all of it.
      while case let count = poll.wait(timeoutMilliseconds: 0), count > 0 { dispatch(count) }
      if !completion.repeats {
        ring.poll(poll.number, .readable, repeats: true, token: RingToken.descriptors)
      }
      return
    }
    let index = Int(token & 0xFFFF) - Int(Token.firstConnection)
    let watch = UInt32(truncatingIfNeeded: (token & ~RingToken.writable) >> RingToken.watchShift)
    guard connections[index].isConnected, connections[index].watch == watch else { return }
    guard completion.result >= 0 else {
      if completion.result != -ECANCELED {
        lose(connection: index, .socket(Errno(rawValue: -completion.result)))
      }
      return
    }
    if token & RingToken.writable == 0, !completion.repeats { watchByRing(connection: index) }
    serve(
      connection: index, EventPoll.Interest(rawValue: UInt32(bitPattern: completion.result)))
  }

  // MARK: - Connections' sockets

  private func ringToken(connection index: Int) -> UInt64 {
    UInt64(connections[index].watch) << RingToken.watchShift | Token.firstConnection + UInt64(index)
  }

  /// Watches a connection's socket for what arrives.
  mutating func watchByRing(connection index: Int) {
    ring.poll(
      connections[index].descriptor, .readable, repeats: true,
      token: ringToken(connection: index))
  }

  /// Watches a connection's socket for room, once.
  mutating func watchRoomByRing(connection index: Int) {
    ring.poll(
      connections[index].descriptor, .writable, repeats: false,
      token: ringToken(connection: index) | RingToken.writable)
  }

  /// Watches a connection's socket no longer; it may be closed.
  mutating func unwatchByRing(connection index: Int) {
    ring.endPoll(token: ringToken(connection: index), quiet: RingToken.quiet)
    if connections[index].awaitsWritable {
      ring.endPoll(token: ringToken(connection: index) | RingToken.writable, quiet: RingToken.quiet)
    }
    connections[index].watch &+= 1
  }

  // MARK: - Entries

  /// A command of an entry has completed: a request lies in it, or it is out of use.
  private mutating func arrived(entry: Int, result: Int32) {
    switch -result {
    case 0:
      entryArrivedAt[entry] = now
      take(entry: entry)
    // The mount is gone, or its connection was aborted: /dev/fuse says so too. A request whose
    // caller was taken away with it is not found.
    case ENOTCONN, ECONNABORTED, ENODEV, ECANCELED, ENOENT: break
    default:
      // The kernel has not taken the entry and sends everything through /dev/fuse.
      port.report(channel: .device)
    }
  }

  /// Decodes the request in an entry: serves it, hands it to the cold side or lets it wait.
  mutating func take(entry: Int) {
    guard let ringMemory else { return }
    // SAFETY: the header of an entry that is ours now.
    let buffer = unsafe UnsafeRawBufferPointer(
      start: ringMemory.base(entry), count: RingHeader.byteCount)
    let bytes = unsafe buffer.bytes
    guard let header = ringMemory.request(in: entry) else { return }
    // The kernel and the control plane reach us on two ways: what a LUN is may still wait.
    if let handle = LogicalUnitHandle(nodeID: header.nodeID), !knows(handle) { takeCommands() }
    let operation = bytes.extracting(droppingFirst: RingHeader.operation)
    guard let slot = slots.nextFreeForEntry else {
      if isServedHere(header) { return postpone(entry: entry) }
      return hand(cold: entry, header, operation: operation)
    }
    let isServed = serve(
      header, operation: operation, payloadCount: RingHeader.payloadCount(of: bytes),
      for: Caller(header, entry: entry), slot: slot)
    if !isServed { hand(cold: entry, header, operation: operation) }
  }

  /// Whether the cold side may answer a request much later: a command of a control file, an open
  /// that waits for a path, or bytes of a stream that have not happened yet.
  private static func mayWaitLong(_ header: RequestHeader, operation: borrowing RawSpan) -> Bool {
    switch header.opcode {
    case .write, .open: true
    case .read:
      TransferRequest(parsing: operation).map {
        OpenFileNumber(rawValue: $0.fileHandle).isOfStream
      } ?? false
    default: false
    }
  }

  /// Hands a request to the cold side; where it has no room for it now, the entry waits.
  private mutating func hand(
    cold entry: Int, _ header: RequestHeader, operation: borrowing RawSpan
  ) {
    guard let ringExchange, let ringMemory else { return }
    // The queue must go on serving what does not wait.
    let limit = ringMemory.entriesPerQueue - min(Self.entriesForIO, ringMemory.entriesPerQueue / 2)
    if Self.mayWaitLong(header, operation: operation) {
      let queue = ringMemory.queue(of: entry)
      if ringExchange.pendingCount(queue: queue) >= limit {
        return answer(
          Caller(header, entry: entry), error: .resourceTemporarilyUnavailable)
      }
    }
    ringExchange.expect(header.unique, entry: entry, lane: lane)
    if !coldQueue.submit(ringMemory, entry: entry) {
      ringExchange.forget(header.unique)
      postpone(entry: entry)
    }
  }

  /// Gives back entries whose answers the cold side has made.
  mutating func takeColdReplies() {
    while let entry = ringExchange?.next(lane: lane) { commits.append(UInt16(entry)) }
  }

  /// Answers in an entry whose payload is there.
  mutating func commit(_ caller: Caller, _ header: ReplyHeader, payloadCount: Int) {
    guard let ringMemory, let entry = caller.entry else {
      preconditionFailure("only an entry of the ring is committed")
    }
    ringMemory.answer(entry, header, payloadCount: payloadCount)
    commits.append(UInt16(entry))
  }

  /// Answers in an entry with bytes from elsewhere.
  mutating func commit(
    _ caller: Caller, _ header: ReplyHeader, copying bytes: UnsafeRawPointer, _ count: Int
  ) {
    guard let ringMemory, let entry = caller.entry else {
      preconditionFailure("only an entry of the ring is committed")
    }
    // SAFETY: an answer is no longer than what was asked for, which the payload has room for.
    unsafe (ringMemory.base(entry) + SlotMemory.payload).copyMemory(from: bytes, byteCount: count)
    commit(caller, header, payloadCount: count)
  }

  /// Queues this turn's commits for the next wait.
  mutating func submitCommits() {
    guard let ringMemory else { return }
    while let entry = commits.popFirst() {
      let base = unsafe ringMemory.base(Int(entry))
      // SAFETY: the entry's header.
      let commitID = unsafe RingHeader.commitID(
        of: RawSpan(_unsafeStart: base, byteCount: RingHeader.byteCount))
      unsafe ring.command(
        fuseNumber, operation: RingCommand.commitAndFetch,
        RingCommand(commitID: commitID, queue: UInt16(ringMemory.queue(of: Int(entry)))),
        token: RingToken.entry | UInt64(entry))
    }
  }
}
