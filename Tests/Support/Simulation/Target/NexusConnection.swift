import ISCSI

/// One connection of a session at the target: its bytes, the numbers of its answers, what it may be
/// asked for again.
///
/// It reads and writes PDUs by RFC 7143's byte numbers, and holds the initiator to what it may
/// send.
final class NexusConnection {
  let world: World
  unowned let target: SimulatedTarget
  private(set) weak var nexus: Nexus?
  let session: Int
  let connectionID: UInt16
  let link: Link
  let parameters: NegotiatedParameters
  /// False once it is gone, as the target sees it: nothing comes from it, nothing goes.
  private(set) var isAlive = true
  var statSN: UInt32
  /// The first StatSN the initiator has not acknowledged.
  var acknowledged: UInt32
  /// What bears a StatSN and is not acknowledged; those of them that did not arrive, as far as the
  /// target's tricks go.
  var kept: [UInt32: TargetPDU] = [:]
  var undelivered: Set<UInt32> = []
  var delivered: Set<UInt32> = []
  /// The tasks whose status has such a number.
  var answered: [UInt32: TargetTask] = [:]
  private var buffer: [UInt8] = []

  init(world: World, target: SimulatedTarget, link: Link) {
    self.world = world
    self.target = target
    self.link = link
    session = link.session
    connectionID = link.connectionID
    parameters = link.parameters
    // Now and then a number is about to wrap.
    statSN = world.random.chance(300) ? 0xFFFF_FFF0 : UInt32(world.random.below(1 << 30))
    acknowledged = statSN
    link.connection = self
  }

  /// The session it belongs to from now on.
  func join(_ nexus: Nexus) { self.nexus = nexus }

  /// Whether what is lost may be asked for again.
  var recovers: Bool { parameters.errorRecoveryLevel > 0 }

  /// Nothing comes from it any more, nothing goes, nothing is asked for again.
  func close() {
    isAlive = false
    kept = [:]
    answered = [:]
  }

  /// It is gone, as the target sees it.
  func end() { nexus?.lose(self) }

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
      guard isWhole else {
        refuse(header)
        continue
      }
      take(header, data)
    }
  }

  /// Data arrived changed: RFC 7143, 7.8.
  private func refuse(_ header: [UInt8]) {
    guard let nexus else { return }
    if recovers, header[0] & 0x3F == 0x01 {
      return nexus.drop(header, on: self, rejects: world.random.chance(500))
    }
    let task = nexus.task(header.big32(16), on: self)
    if recovers, header[0] & 0x3F == 0x05, let task, world.random.chance(700) {
      // The target asks for it anew.
      reject(header, reason: 0x02)
      return nexus.forget(header, of: task)
    }
    guard header[0] & 0x3F == 0x05, let task, target.mayFail(task) else { return end() }
    reject(header, reason: 0x02)
    // PROTOCOL SERVICE CRC ERROR
    nexus.respond(task, status: 0x02, sense: Nexus.sense(0x0B, 0x47, 0x05))
  }

  private func take(_ header: [UInt8], _ data: [UInt8]) {
    guard let nexus else { return }
    guard data.count <= Int(parameters.maxXmitDataSegmentLength) else {
      return world.violate("a PDU carries \(data.count) bytes, more than was declared")
    }
    acknowledge(header)
    guard world.violation == nil else { return }
    switch header[0] & 0x3F {
    case 0x00:
      guard header.big32(16) != 0xFFFF_FFFF else { return }
      var answer = pdu(0x20, tag: header.big32(16), countsStatus: true)
      answer.header.put(0xFFFF_FFFF, at: 20)
      send(answer)
    case 0x01: nexus.take(command: header, data, on: self)
    case 0x02: target.manage(header, of: nexus, on: self)
    case 0x05: nexus.take(dataOut: header, data, on: self)
    case 0x06: nexus.logOut(header, on: self)
    case 0x10 where recovers: take(snack: header)
    default: world.violate("opcode 0x\(String(header[0] & 0x3F, radix: 16)) arrives unasked")
    }
  }

  // MARK: - What goes

  func pdu(_ opcode: UInt8, tag: UInt32, countsStatus: Bool = false) -> TargetPDU {
    var pdu = TargetPDU(opcode: opcode, tag: tag)
    number(&pdu)
    if countsStatus { statSN &+= 1 }
    return pdu
  }

  /// The numbers are those of the moment it is sent.
  func number(_ pdu: inout TargetPDU) {
    pdu.header.put(statSN, at: 24)
    numberCommands(&pdu)
  }

  func numberCommands(_ pdu: inout TargetPDU) {
    guard let window = nexus?.window(toldBy: pdu.header[0] & 0x3F) else { return }
    pdu.header.put(window.expCmdSN, at: 28)
    pdu.header.put(window.maxCmdSN, at: 32)
  }

  /// Sends a PDU; from ErrorRecoveryLevel 1 on it is kept, and may get lost on its way.
  ///
  /// - Parameter task: whose Data-In, R2T or status it is.
  func send(_ pdu: TargetPDU, of task: TargetTask? = nil) {
    guard isAlive else { return }
    guard recovers else { return transmit(pdu) }
    keep(pdu, of: task)
    mistreat(pdu, of: task, permille: 12)
  }

  func transmit(_ pdu: TargetPDU) {
    guard isAlive else { return }
    link.send(
      pdu.encoded(headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest))
  }

  /// Sends the status of a task.
  func send(_ answer: TargetTask.Answer, of task: TargetTask) {
    var pdu = pdu(0x21, tag: task.tag, countsStatus: true)
    pdu.header[2] = answer.response
    pdu.header[3] = answer.status
    pdu.header.put(answer.dataCount, at: 36)
    if answer.missing > 0 {
      pdu.header[1] |= 0x02
      pdu.header.put(UInt32(answer.missing), at: 44)
    }
    if !answer.sense.isEmpty { pdu.data = [0, UInt8(answer.sense.count)] + answer.sense }
    send(pdu, of: task)
  }

  func send(managementResponse header: [UInt8], _ response: UInt8) {
    var pdu = pdu(0x22, tag: header.big32(16), countsStatus: true)
    pdu.header[2] = response
    send(pdu)
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
}
