import FUSE
import Glibc
import ISCSI
import LinuxIO
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

/// A reactor between a kernel and a target that the test plays, turn by turn, without a thread.
///
/// /dev/fuse is one end of a sequenced-packet socket pair (a request a packet, a reply a packet),
/// the connection one end of a stream pair. Requests come through /dev/fuse or, as `channel` says,
/// in entries of a ring whose memory the test fills and reads as the kernel does.
final class ReactorHarness {
  static let unit = LogicalUnitHandle(index: 3, generation: 7)
  static let session = SessionHandle(index: 5, generation: 2)

  /// How the requests of a harness made now come; see `ChannelsTrait`.
  @TaskLocal static var channel = RequestChannel.device

  let port: ReactorPort
  /// The session whose target the test plays.
  let home: SessionHandle
  var reactor: Reactor
  /// Entries the kernel holds; nil where requests come through /dev/fuse.
  var freeEntries: [Int]?
  let kernel: CInt
  var target: CInt
  var assembler: PDUAssembler
  private var buffer = [UInt8](repeating: 0, count: 2 << 20)
  var (statSN, unique): (UInt32, UInt64) = (100, 1000)
  /// The thread every request is of.
  var thread: UInt32 = 0
  var parameters: NegotiatedParameters
  var loginPDUs: [LoginPDU] = []
  let timeouts: SessionTimeouts
  var registration: LogicalUnitRegistration
  /// The monotonic clock, in nanoseconds; it moves only when told.
  private(set) var moment: UInt64 = 1_000_000_000_000

  init(
    parameters: NegotiatedParameters = NegotiatedParameters(),
    timeouts: SessionTimeouts = SessionTimeouts(),
    beside: (port: ReactorPort, exchange: RingExchange, lane: Int)? = nil,
    unflushedBytes: Int = IOLimits().unflushedBytes,
    configure: (inout LogicalUnitRegistration) -> Void = { _ in }
  ) throws {
    let fuse = try Self.pair(SOCK_SEQPACKET)
    let connection = try Self.pair(SOCK_STREAM)
    kernel = fuse.theirs
    target = connection.theirs
    self.parameters = parameters
    self.timeouts = timeouts
    assembler = PDUAssembler(maximumDataSegmentLength: 1 << 24 - 1)
    assembler.headerDigest = parameters.headerDigest
    assembler.dataDigest = parameters.dataDigest
    registration = LogicalUnitRegistration(
      sessions: [Self.session], lun: LogicalUnitNumber(number: 1),
      geometry: try Geometry(
        logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191)),
      isWriteProtected: false, supportsForceUnitAccess: false, hasVolatileCache: true,
      supportsSixteenByteCommands: true)
    configure(&registration)
    home = beside.map { SessionHandle(index: UInt16(4 + $0.lane), generation: 2) } ?? Self.session
    var limits = IOLimits()
    limits.unflushedBytes = unflushedBytes
    port = try beside?.port ?? ReactorPort(limits: limits)
    (limits.requestSlots, limits.controlSlots) = (16, 2)
    var exchange = beside?.exchange
    if let beside {
      freeEntries = (0..<16).map { 16 * beside.lane + $0 }
    } else if Self.channel == .ring {
      let memory = try #require(
        RingMemory(queueCount: 1, entriesPerQueue: 32, layout: SlotMemory.ringLayout))
      exchange = RingExchange(memory: memory, laneCount: 1) { _ in }
      freeEntries = Array(0..<32)
    }
    reactor = try Reactor(
      limits: limits, port: port, fuse: OwnedDescriptor(owning: fuse.ours),
      coldQueue: try ColdQueue(), ringExchange: exchange, lane: beside?.lane ?? 0)
    try reactor.watch()
    start(socket: connection.ours)
    if beside == nil { port.expose(Self.unit, registration) }
    turn()
  }

  enum HarnessError: Error { case nothingArrived }

  deinit {
    close(kernel)
    close(target)
  }

  /// Hands the session a connection, as after a login.
  func start(
    _ session: SessionHandle? = nil, socket: CInt, maxCmdSN: UInt32 = 60,
    earlyBytes: [UInt8] = [], isHeld: Bool = false
  ) {
    var handover = ConnectionHandover(
      socket: OwnedDescriptor(owning: socket), connectionID: 0, parameters: parameters,
      cmdSN: SerialNumber(rawValue: 50), expStatSN: SerialNumber(rawValue: 100),
      expCmdSN: SerialNumber(rawValue: 50), maxCmdSN: SerialNumber(rawValue: maxCmdSN),
      earlyBytes: earlyBytes, timeouts: timeouts)
    handover.isHeld = isHeld
    handover.loginPDUs = loginPDUs
    port.start(session ?? home, handover)
  }

  /// Exposes the unit anew, with another capacity or other sessions.
  func expose(
    blockLength: UInt32 = 512, lastBlock: UInt64, sessions: [SessionHandle]? = nil
  ) throws {
    if let sessions { registration.sessions = sessions }
    registration.geometry = try Geometry(
      logicalBlockLength: blockLength, lastLogicalBlockAddress: LogicalBlockAddress(lastBlock))
    port.expose(Self.unit, registration)
    turn()
  }

  /// Connects the session anew: the target's end is another socket, its StatSN starts again.
  func reconnect(
    _ session: SessionHandle? = nil, as parameters: NegotiatedParameters? = nil,
    maxCmdSN: UInt32 = 60, earlyBytes: [UInt8] = [], isHeld: Bool = false,
    over given: (ours: CInt, theirs: CInt)? = nil
  ) throws {
    if let parameters { self.parameters = parameters }
    let connection = try given ?? Self.pair(SOCK_STREAM)
    adopt(connection.theirs)
    start(
      session, socket: connection.ours, maxCmdSN: maxCmdSN, earlyBytes: earlyBytes, isHeld: isHeld)
    turn()
  }

  /// Two ends no child of another test inherits: what is closed here ends for the other.
  static func pair(_ type: __socket_type) throws -> (ours: CInt, theirs: CInt) {
    var ends: (CInt, CInt) = (0, 0)
    let flags = type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    // SAFETY: a tuple of two descriptors has the layout of int[2].
    let result = unsafe withUnsafeMutablePointer(to: &ends.0) {
      unsafe socketpair(AF_UNIX, CInt(bitPattern: flags), 0, $0)
    }
    try #require(result == 0)
    // The reactor's end of a connection keeps its small buffer, so that tests can fill it.
    for end in type == SOCK_STREAM ? [ends.1] : [ends.0, ends.1] {
      var size: CInt = 4 << 20
      unsafe setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, 4)
    }
    return ends
  }

  /// Lets the reactor work until it has nothing left to do.
  func turn() {
    for _ in 0..<4 where reactor.isRunning {
      reactor.turn(eventCount: reactor.poll.wait(timeoutMilliseconds: 0), at: moment)
    }
  }

  /// The same for a reactor that waits with its ring, where nothing but the connection is real.
  func turnByRing() {
    for _ in 0..<4 { reactor.turn(timeoutMilliseconds: 0) }
  }

  /// Lets time pass, and the reactor look at what is due.
  func advance(milliseconds: UInt64) {
    moment += milliseconds * Interval.millisecond
    turn()
  }

  /// How long the reactor would sleep now, in milliseconds; -1 for ever.
  var sleep: CInt { reactor.timeout(at: MonotonicTime(nanoseconds: moment)) }

  /// Ends the reactor as its thread does when it is stopped.
  func stop() {
    port.stop()
    turn()
    reactor.end()
  }

  /// The kernel closes /dev/fuse.
  func unmount() {
    shutdown(kernel, CInt(SHUT_RDWR))
    turn()
  }

  /// Starts another session, whose target is silent; returns that target's end.
  func startSilent(_ session: SessionHandle) throws -> CInt {
    let connection = try Self.pair(SOCK_STREAM)
    start(session, socket: connection.ours)
    turn()
    return connection.theirs
  }

  /// Tasks at the target of the session at `index`.
  func inFlightCount(_ index: Int) -> UInt32 { reactor.sessions[index].inFlightCount }

  /// Submits a command that someone waits for, plays `scene`, and returns what that one is told.
  @discardableResult
  func told<Answer: Sendable>(
    _ command: (CheckedContinuation<Answer, Never>) -> ReactorCommand,
    meanwhile scene: () throws -> Void
  ) async throws -> Answer {
    var outcome = Result<Void, any Error>.success(())
    let answer = await withCheckedContinuation { continuation in
      port.lane(0).submit(command(continuation))
      turn()
      outcome = Result { try scene() }
      // Whoever was not answered by the scene is at the end, so that a failing test ends.
      if case .failure = outcome, reactor.isRunning { stop() }
    }
    try outcome.get()
    return answer
  }

  /// The events so far, in order; ends the reactor.
  func events() async -> [ReactorEvent] {
    if reactor.isRunning { stop() }
    var events: [ReactorEvent] = []
    for await event in port.events { events.append(event) }
    return events
  }
}

extension Withdrawal {
  /// What is asked of a lone reactor, for one who waits.
  convenience init(telling continuation: CheckedContinuation<Void, Never>) {
    self.init(laneCount: 1)
    tell(continuation)
  }
}

/// What the reactor has to do still.
extension ReactorHarness {
  var isRunning: Bool { reactor.isRunning }
  var busySlots: Int { reactor.slots.busyCount }
  var delayedSlots: Int { reactor.delayedCount }
  var busyUnit: UInt32 { reactor.units[Int(Self.unit.index)].busyCount }
  var isKernelWaiting: Bool { reactor.isFUSEPaused }
  var nextFreeSlot: Int? { reactor.slots.nextFreeRequest }

  /// Stalls as if a request for the cold side had found no room in its queue; returns its slot.
  func stallCold() -> Int? {
    guard let slot = nextFreeSlot else { return nil }
    reactor.stall(cold: slot, length: 48)
    return slot
  }

  /// Entries that go back to the kernel with this turn.
  var commitCount: Int { reactor.commits.count }
  var nextCommit: UInt16? { reactor.commits.peek }
  var waitingCount: Int { reactor.waitingEntries.count }
  var exchange: RingExchange? { reactor.ringExchange }
  var awaitsWritable: Bool { reactor.connections[index].awaitsWritable }
  private var index: Int { port.lanes.place(of: Int(home.index)) }
  var sessionState: Session.State { reactor.sessions[index].state }
  var isAllSent: Bool { reactor.connections[index].transmit.isEmpty }
  var isSendingHeldBack: Bool {
    reactor.connections[index].awaitsWritable && !reactor.connections[index].bursts.isEmpty
  }
}

/// The kernel's part.
extension ReactorHarness {
  /// Sends a request for the unit's file and returns its unique number.
  @discardableResult
  func request(
    _ opcode: FuseOpcode, node: UInt64 = unit.nodeID, body: [UInt8] = []
  ) -> UInt64 {
    unique += 2
    var bytes = [UInt8]()
    bytes.appendNative(UInt32(40 + body.count))
    bytes.appendNative(opcode.rawValue)
    bytes.appendNative(unique)
    bytes.appendNative(node)
    bytes.appendNative(UInt64(0))
    bytes.appendNative(thread)
    bytes.appendNative(UInt32(0))
    bytes += body
    if opcode != .interrupt, let entry = takeEntry() {
      fill(entry, bytes)
      turn()
      return unique
    }
    let sent = unsafe Glibc.write(kernel, bytes, bytes.count)
    #expect(sent == bytes.count)
    turn()
    return unique
  }

  private func takeEntry() -> Int? { freeEntries?.popLast() }

  /// Puts a request into an entry of the ring and lets the entry complete.
  private func fill(_ entry: Int, _ request: [UInt8]) {
    guard let memory = reactor.ringMemory else { return }
    let base = unsafe memory.base(entry)
    let count = UInt32(max(0, request.count - 80))
    unsafe request.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      // SAFETY: as linux/fuse.h lays an entry out: header, operation, payload apart.
      unsafe base.copyMemory(from: start, byteCount: 40)
      unsafe (base + 128).copyMemory(from: start + 40, byteCount: min(40, bytes.count - 40))
      unsafe (base + 8192).copyMemory(from: start + bytes.count - Int(count), byteCount: Int(count))
      unsafe base.storeBytes(of: unique, toByteOffset: 264, as: UInt64.self)
      unsafe base.storeBytes(of: count, toByteOffset: 272, as: UInt32.self)
    }
    reactor.now = moment
    reactor.entryArrivedAt[entry] = moment
    reactor.take(entry: entry)
  }

  /// Takes back the next entry with an answer, as a commit does.
  private func committed() -> Reply? {
    guard let memory = reactor.ringMemory, let entry = reactor.commits.popFirst() else {
      return nil
    }
    freeEntries?.append(Int(entry))
    let base = unsafe UnsafeRawPointer(memory.base(Int(entry)))
    let header = unsafe base.loadUnaligned(as: ReplyHeader.self)
    let count = Int(unsafe base.loadUnaligned(fromByteOffset: 272, as: UInt32.self))
    #expect(Int(header.length) == 16 + count)
    let payload = unsafe [UInt8](UnsafeRawBufferPointer(start: base + 8192, count: count))
    // The kernel writes the next request there: nothing of ours may lie in it any more.
    unsafe memory.base(Int(entry)).initializeMemory(
      as: UInt8.self, repeating: 0xEE, count: 8192 + max(count, 1 << 17))
    return Reply(unique: header.unique, error: header.error, payload: payload)
  }

  func read(offset: UInt64, size: UInt32) -> UInt64 {
    request(.read, body: transfer(offset, size, flags: 0))
  }

  func write(offset: UInt64, _ payload: [UInt8], flags: Int32 = 0) -> UInt64 {
    request(.write, body: transfer(offset, UInt32(payload.count), flags: flags) + payload)
  }

  private func transfer(_ offset: UInt64, _ size: UInt32, flags: Int32) -> [UInt8] {
    var body = [UInt8]()
    body.appendNative(1 as UInt64)
    body.appendNative(offset)
    body.appendNative(size)
    body.appendNative(0 as UInt32)
    body.appendNative(0 as UInt64)
    body.appendNative(UInt32(bitPattern: flags))
    body.appendNative(0 as UInt32)
    return body
  }

  struct Reply: Equatable {
    var unique: UInt64
    var error: Int32
    var payload: [UInt8]
  }

  /// The next answer on /dev/fuse, nil when there is none.
  func reply() -> Reply? {
    turn()
    if let reply = committed() { return reply }
    let count = unsafe recv(kernel, &buffer, 2 << 20, CInt(MSG_DONTWAIT))
    guard count >= 16 else { return nil }
    #expect(buffer.native(at: 0, as: UInt32.self) == UInt32(count))
    return Reply(
      unique: buffer.native(at: 8, as: UInt64.self), error: buffer.native(at: 4, as: Int32.self),
      payload: Array(buffer[16..<count]))
  }
}

/// The target's part.
extension ReactorHarness {
  /// The next PDU the reactor sent, nil when there is none.
  func sent() throws -> ProtocolDataUnit? {
    turn()
    while true {
      let count = unsafe recv(target, &buffer, 1 << 20, CInt(MSG_DONTWAIT))
      guard count > 0 else { break }
      assembler.append(buffer[..<count])
    }
    return try assembler.next()
  }

  /// The next SCSI Command the reactor sent.
  func command() throws -> (view: SCSICommand, unit: ProtocolDataUnit) {
    var arrival = try sent()
    for _ in 0..<1500 where arrival == nil {
      usleep(1000)
      arrival = try sent()
    }
    let unit = try #require(arrival)
    #expect(unit.header.opcode == .scsiCommand)
    return (SCSICommand(unit.header), unit)
  }

  /// Sends bytes as they are.
  func send(_ bytes: [UInt8]) {
    // A session that is gone fails an expectation, not the whole run.
    let count = unsafe Glibc.send(target, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    #expect(count == bytes.count)
    turn()
  }

  func send(_ header: BasicHeaderSegment, data: [UInt8] = []) {
    send(
      ProtocolDataUnit(header: header, data: data).encoded(
        headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest))
  }

  /// The StatSN of a PDU with status.
  func nextStatSN() -> SerialNumber {
    defer { statSN &+= 1 }
    return SerialNumber(rawValue: statSN)
  }

  /// The StatSN of the next PDU with status, for one that carries none.
  var comingStatSN: SerialNumber { SerialNumber(rawValue: statSN) }

  var window: (exp: SerialNumber, max: SerialNumber) {
    (SerialNumber(rawValue: 50), SerialNumber(rawValue: 1000))
  }

  /// Sends a Data-In; with status it is the task's last.
  func sendDataIn(
    _ task: InitiatorTaskTag, _ data: [UInt8], offset: UInt32 = 0, dataSN: UInt32 = 0,
    status: SCSIStatus? = .good, residual: Residual = .none
  ) {
    send(
      DataIn(
        initiatorTaskTag: task, isFinal: status != nil,
        status: status.map { ($0, nextStatSN(), residual) }, expCmdSN: window.exp,
        maxCmdSN: window.max, dataSN: dataSN, bufferOffset: offset
      ).header, data: data)
  }

  /// Sends a SCSI Response, with sense data behind their length when there are any.
  func sendResponse(_ task: InitiatorTaskTag, _ status: SCSIStatus = .good, sense: [UInt8] = []) {
    var data = [UInt8]()
    if !sense.isEmpty {
      data.appendBigEndian(UInt16(sense.count))
      data += sense
    }
    send(
      SCSIResponse(
        initiatorTaskTag: task, status: status, statSN: nextStatSN(), expCmdSN: window.exp,
        maxCmdSN: window.max
      ).header, data: data)
  }

  func sendR2T(
    _ task: InitiatorTaskTag, transferTag: UInt32, r2tSN: UInt32, offset: UInt32, length: UInt32
  ) {
    send(
      ReadyToTransfer(
        logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: task,
        targetTransferTag: TargetTransferTag(rawValue: transferTag),
        statSN: SerialNumber(rawValue: statSN), expCmdSN: window.exp, maxCmdSN: window.max,
        r2tSN: r2tSN, bufferOffset: offset, desiredDataTransferLength: length
      ).header)
  }
}

extension [UInt8] {
  /// Bytes that tell their place, so that none can stand for another unseen.
  static func pattern(_ count: Int, from start: Int = 0) -> [UInt8] {
    (start..<start + count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ ($0 >> 8) &* 7 &+ 3) }
  }

  /// fuse_write_out: how many bytes were taken.
  static func accepted(_ count: UInt32) -> [UInt8] {
    var bytes = [UInt8]()
    bytes.appendNative(count)
    bytes.appendNative(0 as UInt32)
    return bytes
  }

  /// Sense data in fixed format (SPC-5, 4.4.3).
  static func sense(
    _ key: UInt8, _ code: UInt8, _ qualifier: UInt8, deferred: Bool = false
  ) -> [UInt8] {
    [deferred ? 0x71 : 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0]
  }

  mutating func appendNative<T: FixedWidthInteger>(_ value: T) {
    appendBigEndian(value.bigEndian)
  }

  func native<T: FixedWidthInteger & BitwiseCopyable>(at offset: Int, as type: T.Type) -> T {
    withRawSpan { $0.bigEndian(at: offset, as: T.self) }.byteSwapped
  }
}
