import ISCSI

/// One session at the target: its numbers, its tasks, what it has been told.
///
/// It reads and writes PDUs by RFC 7143's byte numbers, and holds the initiator to what it may
/// send.
final class Nexus {
  let world: World
  unowned let target: SimulatedTarget
  let session: Int
  let link: Link
  let parameters: NegotiatedParameters
  /// False once the session is over at the target: nothing of it happens any more.
  private(set) var isAlive = true
  private(set) var statSN: UInt32
  private(set) var expCmdSN: UInt32
  private(set) var maxCmdSN: UInt32
  private let window: UInt32
  private var isWindowClosed = false
  /// In the order they came.
  var tasks: [TargetTask] = []
  /// Sense codes each unit has to tell first.
  var attentions: [[(code: UInt8, qualifier: UInt8)]]
  private var buffer: [UInt8] = []
  private var nextTransferTag: UInt32 = 1
  /// Data of the last read by slot and length, for a planted bug.
  var lastReads: [Int: [UInt8]] = [:]

  init(world: World, target: SimulatedTarget, link: Link) {
    self.world = world
    self.target = target
    self.link = link
    session = link.session
    parameters = link.parameters
    // Now and then a number is about to wrap.
    let start = world.random.chance(300) ? 0xFFFF_FFF0 : UInt32(world.random.below(1 << 30))
    statSN = start
    expCmdSN = start &+ 77
    window = UInt32(world.random.pick([1, 2, 4, 32, 32]))
    maxCmdSN = expCmdSN &+ window &- 1
    attentions = Array(repeating: [], count: world.scenario.unitCount)
    link.nexus = self
  }

  // MARK: - Ends

  /// The connection is gone, as the target sees it: at ErrorRecoveryLevel 0 the session with it.
  func end() {
    guard isAlive else { return }
    isAlive = false
    for task in tasks { target.abort(task) }
    target.forget(self)
    link.die(isFault: false)
  }

  // MARK: - What comes

  func receive(_ bytes: [UInt8]) {
    guard isAlive else { return }
    buffer += bytes
    while isAlive, buffer.count >= 48 {
      let length = Int(buffer.big(5, 3))
      let headerEnd = 48 + Int(buffer[4]) * 4
      let dataStart = headerEnd + (parameters.headerDigest ? 4 : 0)
      let padded = (length + 3) & ~3
      if parameters.headerDigest {
        guard buffer.count >= dataStart else { return }
        guard buffer.digest(0..<headerEnd) == buffer.big32(headerEnd) else { return end() }
      }
      let total = dataStart + padded + (parameters.dataDigest && length > 0 ? 4 : 0)
      guard buffer.count >= total else { return }
      let header = Array(buffer[..<48])
      let data = Array(buffer[dataStart..<dataStart + length])
      let isWhole =
        !parameters.dataDigest || length == 0
        || buffer.digest(dataStart..<dataStart + padded) == buffer.big32(dataStart + padded)
      buffer.removeFirst(total)
      guard isWhole else { return refuse(header) }
      take(header, data)
    }
  }

  /// Data arrived changed: RFC 7143, 7.8.
  private func refuse(_ header: [UInt8]) {
    let task = tasks.first { $0.tag == header.big32(16) }
    guard header[0] & 0x3F == 0x05, let task, target.mayFail(task) else { return end() }
    reject(header, reason: 0x02)
    // PROTOCOL SERVICE CRC ERROR
    respond(task, status: 0x02, sense: Self.sense(0x0B, 0x47, 0x05))
  }

  private func take(_ header: [UInt8], _ data: [UInt8]) {
    guard data.count <= Int(parameters.maxXmitDataSegmentLength) else {
      return world.violate("a PDU carries \(data.count) bytes, more than was declared")
    }
    switch header[0] & 0x3F {
    case 0x00:
      guard header.big32(16) != 0xFFFF_FFFF else { return }
      var answer = pdu(0x20, tag: header.big32(16), countsStatus: true)
      answer.header.put(0xFFFF_FFFF, at: 20)
      send(answer)
    case 0x01: take(command: header, data)
    case 0x02: target.manage(header, of: self)
    case 0x05: take(dataOut: header, data)
    case 0x06:
      let wait = target.logoutWait(session)
      var answer = pdu(0x26, tag: header.big32(16), countsStatus: true)
      answer.header[40] = UInt8(wait >> 8)
      answer.header[41] = UInt8(wait & 0xFF)
      send(answer)
      end()
    default: world.violate("opcode 0x\(String(header[0] & 0x3F, radix: 16)) arrives unasked")
    }
  }

  private func take(command header: [UInt8], _ data: [UInt8]) {
    let tag = header.big32(16)
    world.note(.command, session, UInt64(tag), UInt64(header[32]))
    guard header.big32(24) == expCmdSN else {
      return world.violate("CmdSN \(header.big32(24)) where \(expCmdSN) is next")
    }
    guard Int32(bitPattern: maxCmdSN &- expCmdSN) >= 0 else {
      return world.violate("a command was sent into a closed window")
    }
    guard !tasks.contains(where: { $0.tag == tag }) else {
      return world.violate("tag 0x\(String(tag, radix: 16)) is used twice at once")
    }
    expCmdSN &+= 1
    guard let task = target.task(header) else {
      return world.violate("a command that cannot be: \(header[32...])")
    }
    let first = min(Int(parameters.firstBurstLength), task.expectedLength)
    guard data.count <= (task.isWrite && parameters.immediateData ? first : 0) else {
      return world.violate("\(data.count) bytes of immediate data are too many")
    }
    tasks.append(task)
    let isFinal = header[1] & 0x80 != 0
    if task.isWrite {
      accept(data[...], at: 0, of: task)
      if !isFinal {
        guard !parameters.initialR2T else { return world.violate("Data-Out would come unasked") }
        task.unsolicited = .init(transferTag: 0xFFFF_FFFF, offset: data.count, end: first)
      }
    }
    target.begin(task, of: self, header)
  }

  private func accept(_ bytes: ArraySlice<UInt8>, at offset: Int, of task: TargetTask) {
    guard world.bug == .wrongBufferOffset, bytes.count >= 2 * Stamp.granule else {
      return task.take(bytes, at: offset)
    }
    task.take(bytes.dropFirst(Stamp.granule) + bytes.prefix(Stamp.granule), at: offset)
  }

  // MARK: - Data-Out

  private func take(dataOut header: [UInt8], _ data: [UInt8]) {
    let tag = header.big32(16)
    // What was on its way when its task ended.
    guard let task = tasks.first(where: { $0.tag == tag }) else { return }
    let transferTag = header.big32(20)
    let isUnsolicited = transferTag == 0xFFFF_FFFF
    let index = task.requests.firstIndex { $0.transferTag == transferTag }
    guard var request = isUnsolicited ? task.unsolicited : index.map({ task.requests[$0] }) else {
      return world.violate("Data-Out for a transfer tag that was not given")
    }
    let isFinal = header[1] & 0x80 != 0
    let offset = Int(header.big32(40))
    guard header.big32(36) == request.dataSN, offset == request.offset,
      offset + data.count <= request.end, isFinal == (offset + data.count == request.end)
    else {
      return world.violate(
        "Data-Out \(header.big32(36)) of \(data.count) bytes at \(offset) where \(request.dataSN) "
          + "at \(request.offset) up to \(request.end) was asked for")
    }
    world.note(.dataOut, session, UInt64(tag), UInt64(data.count))
    accept(data[...], at: offset, of: task)
    request.offset += data.count
    request.dataSN += 1
    if isUnsolicited {
      task.unsolicited = isFinal ? nil : request
    } else if let index {
      if isFinal { task.requests.remove(at: index) } else { task.requests[index] = request }
    }
    if isFinal { askForData(task) }
  }

  /// Asks for what is missing, as much at once as was agreed; then the task is executed.
  func askForData(_ task: TargetTask) {
    guard task.unsolicited == nil else { return }
    if task.received == task.expectedLength { return target.schedule(task, of: self) }
    if task.wanted.isEmpty, task.requests.isEmpty { plan(task) }
    while task.requests.count < Int(parameters.maxOutstandingR2T), !task.wanted.isEmpty {
      let range = task.wanted.removeFirst()
      let request = TargetTask.Request(
        transferTag: nextTransferTag, offset: range.lowerBound, end: range.upperBound)
      nextTransferTag += 1
      task.requests.append(request)
      var r2t = pdu(0x31, tag: task.tag)
      r2t.header.put(UInt32(task.unit) << 16, at: 8)
      r2t.header.put(request.transferTag, at: 20)
      r2t.header.put(task.r2tSN, at: 36)
      r2t.header.put(UInt32(range.lowerBound), at: 40)
      r2t.header.put(UInt32(range.count), at: 44)
      task.r2tSN += 1
      send(r2t)
    }
  }

  private func plan(_ task: TargetTask) {
    var offset = task.received
    while offset < task.expectedLength {
      let most = min(Int(parameters.maxBurstLength), task.expectedLength - offset)
      let count = world.random.chance(300) ? world.random.within(1...most / 64) * 64 : most
      task.wanted.append(offset..<offset + count)
      offset += count
    }
    // More than a client keeps track of would be its right to refuse.
    if !parameters.dataSequenceInOrder, task.wanted.count < 60 { shuffle(&task.wanted) }
  }

  func shuffle<Element>(_ list: inout [Element]) {
    for index in list.indices.reversed() where index > 0 {
      list.swapAt(index, world.random.below(index + 1))
    }
  }

  // MARK: - What goes

  func pdu(_ opcode: UInt8, tag: UInt32, countsStatus: Bool = false) -> TargetPDU {
    var pdu = TargetPDU(opcode: opcode, tag: tag)
    number(&pdu, countsStatus: countsStatus)
    return pdu
  }

  /// The numbers are those of the moment it is sent.
  private func number(_ pdu: inout TargetPDU, countsStatus: Bool) {
    let maximum = expCmdSN &+ window &- UInt32(min(tasks.count, Int(window))) &- 1
    if !isWindowClosed, Int32(bitPattern: maximum &- maxCmdSN) > 0 { maxCmdSN = maximum }
    pdu.header.put(statSN, at: 24)
    pdu.header.put(expCmdSN, at: 28)
    pdu.header.put(maxCmdSN, at: 32)
    if countsStatus { statSN &+= 1 }
  }

  func send(_ pdu: TargetPDU) {
    guard isAlive else { return }
    link.send(
      pdu.encoded(headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest))
  }

  /// Ends a task with a status.
  func respond(
    _ task: TargetTask, status: UInt8, sense: [UInt8] = [], response: UInt8 = 0,
    dataCount: UInt32 = 0, missing: Int = 0
  ) {
    guard isAlive, !task.isEnded else { return }
    finish(task)
    world.note(.status, session, UInt64(task.tag), UInt64(status))
    var pdu = pdu(0x21, tag: task.tag, countsStatus: true)
    pdu.header[2] = response
    pdu.header[3] = status
    pdu.header.put(dataCount, at: 36)
    if missing > 0 {
      pdu.header[1] |= 0x02
      pdu.header.put(UInt32(missing), at: 44)
    }
    if !sense.isEmpty { pdu.data = [0, UInt8(sense.count)] + sense }
    send(pdu)
  }

  func finish(_ task: TargetTask) {
    task.isEnded = true
    tasks.removeAll { $0 === task }
  }

  func reject(_ header: [UInt8], reason: UInt8) {
    var pdu = pdu(0x3F, tag: 0xFFFF_FFFF, countsStatus: true)
    pdu.header[2] = reason
    pdu.data = header
    send(pdu)
  }

  /// An asynchronous message; times in seconds.
  func tell(_ event: UInt8, parameters values: (UInt16, UInt16, UInt16), data: [UInt8] = []) {
    var pdu = pdu(0x32, tag: 0xFFFF_FFFF, countsStatus: true)
    pdu.header[36] = event
    pdu.header.put(UInt32(values.1) << 16 | UInt32(values.2), at: 40)
    pdu.header[38] = UInt8(values.0 >> 8)
    pdu.header[39] = UInt8(values.0 & 0xFF)
    pdu.data = data
    send(pdu)
  }

  /// The target's own ping, or the news of a window.
  func ping(wantsAnswer: Bool) {
    var pdu = pdu(0x20, tag: 0xFFFF_FFFF)
    pdu.header.put(wantsAnswer ? 0x1234 : 0xFFFF_FFFF, at: 20)
    send(pdu)
  }

  /// Opens no window for a while.
  func closeWindow(for duration: UInt64) {
    guard !isWindowClosed else { return }
    isWindowClosed = true
    world.after(duration) { [weak self] in
      guard let self, isAlive else { return }
      isWindowClosed = false
      ping(wantsAnswer: false)
    }
  }

  /// Sense data in fixed format.
  static func sense(
    _ key: UInt8, _ code: UInt8, _ qualifier: UInt8, isDeferred: Bool = false
  ) -> [UInt8] {
    [isDeferred ? 0x71 : 0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0]
  }
}
