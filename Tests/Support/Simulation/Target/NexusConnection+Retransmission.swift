import ISCSI

/// From ErrorRecoveryLevel 1 on: what was sent is kept until it is acknowledged, may not arrive,
/// and is sent again when it is asked for.
///
/// Source: RFC 7143, 4.2.2.2, 7.9, 11.7.2 and 11.16.
extension NexusConnection {
  // MARK: - Kept

  /// A number of its own: of Data-In (DataSN), R2T (R2TSN), or of a status.
  private static func bearsStatus(_ pdu: TargetPDU) -> Bool {
    switch pdu.header[0] & 0x3F {
    case 0x25: pdu.header[1] & 0x01 != 0
    case 0x31: false
    case 0x20: pdu.header.big32(16) != 0xFFFF_FFFF
    default: true
    }
  }

  /// Keeps what may be asked for again.
  func keep(_ pdu: TargetPDU, of task: TargetTask?) {
    if Self.bearsStatus(pdu) {
      let statSN = pdu.header.big32(24)
      kept[statSN] = pdu
      answered[statSN] = task
    }
    switch pdu.header[0] & 0x3F {
    case 0x25: task?.sentDataIn[pdu.header.big32(36)] = pdu
    case 0x31: task?.sentR2Ts[pdu.header.big32(36)] = pdu
    default: break
    }
  }

  /// Has a Data-In ask for its acknowledgement, perhaps (11.7.2).
  func askForAcknowledgement(_ pdu: inout TargetPDU, of task: TargetTask, isFinal: Bool) {
    guard recovers, isFinal, world.wants(80), let tag = nexus?.takeTransferTag() else { return }
    world.inject(.acknowledgementAsked, session)
    pdu.header[1] |= 0x40
    pdu.header.put(UInt32(task.unit) << 16, at: 8)
    pdu.header.put(tag, at: 20)
    task.acknowledgements[tag] = pdu.header.big32(36)
  }

  // MARK: - Lost

  /// Sends what was kept as it may go on its way: whole, damaged, twice, or not at all.
  func mistreat(_ pdu: TargetPDU, of task: TargetTask?, permille: Int) {
    let opcode = pdu.header[0] & 0x3F
    let isNumbered = opcode == 0x25 || opcode == 0x31 || Self.bearsStatus(pdu)
    guard isNumbered, world.wants(permille), mayLose(pdu, of: task) else {
      note(pdu, of: task, hasArrived: true)
      return transmit(pdu)
    }
    let label = Int(opcode) << 32 | Int(pdu.header.big32(opcode == 0x25 ? 36 : 24))
    switch world.random.below(3) {
    case 0 where parameters.dataDigest && !pdu.data.isEmpty:
      world.inject(.numberedDamaged, session, label)
      let place = world.random.below(pdu.data.count)
      guard world.bug != .damagedCountsAsThere else {
        // As one that does not look at the digest: what came is there.
        var damaged = pdu
        damaged.data[place] ^= 1 << UInt8(world.random.below(8))
        note(pdu, of: task, hasArrived: true)
        return transmit(damaged)
      }
      var bytes = pdu.encoded(
        headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest)
      bytes[48 + (parameters.headerDigest ? 4 : 0) + place] ^= 1 << UInt8(world.random.below(8))
      note(pdu, of: task, hasArrived: false, isDamaged: true)
      link.send(bytes)
    case 1:
      world.inject(.numberedTwice, session, label)
      note(pdu, of: task, hasArrived: true)
      transmit(pdu)
      transmit(pdu)
    default:
      world.inject(.numberedLost, session, label)
      note(pdu, of: task, hasArrived: false)
      if opcode == 0x31, let task { repeatLater(pdu, of: task) }
    }
  }

  /// Of a sequence that is over nothing may be asked for while sequences are in order (13.19): the
  /// client tries the command again, as often as any.
  private func mayLose(_ pdu: TargetPDU, of task: TargetTask?) -> Bool {
    guard pdu.header[0] & 0x3F == 0x25, let task, parameters.dataSequenceInOrder,
      pdu.header.big32(36) < task.lastSequenceStart
    else { return true }
    return target.mayFail(task)
  }

  private func note(
    _ pdu: TargetPDU, of task: TargetTask?, hasArrived: Bool, isDamaged: Bool = false
  ) {
    let opcode = pdu.header[0] & 0x3F
    // What has come once stays there, whatever becomes of it the next time.
    if Self.bearsStatus(pdu) {
      let number = pdu.header.big32(24)
      if hasArrived {
        undelivered.remove(number)
        delivered.insert(number)
      } else if isDamaged, opcode == 0x25, task?.hasDelivered(pdu.header.big32(36)) ?? false {
        // Nobody needs its data: its status may be taken from the header, which is whole.
        undelivered.remove(number)
      } else if !delivered.contains(number) {
        undelivered.insert(number)
      }
    }
    guard opcode == 0x25, let task else { return }
    let number = pdu.header.big32(36)
    if hasArrived {
      task.undelivered.remove(number)
      task.delivered.insert(number)
    } else if !task.hasDelivered(number) {
      task.undelivered.insert(number)
    }
  }

  /// An R2T that nobody answers is sent again: nothing else tells of the last one (7.2.1).
  private func repeatLater(_ pdu: TargetPDU, of task: TargetTask) {
    guard world.random.chance(800) else { return }
    let (epoch, tag) = (task.epoch, pdu.header.big32(20))
    world.after(world.random.delay(upTo: 3 * World.second)) { [weak self] in
      guard let self, isAlive, !task.isEnded, task.epoch == epoch,
        task.requests.contains(where: { $0.transferTag == tag && $0.dataSN == 0 })
      else { return }
      again(pdu, of: task)
    }
  }

  /// Sends a PDU again: the same but for the numbers of the window, and of the next status.
  private func again(_ pdu: TargetPDU, of task: TargetTask?) {
    var pdu = pdu
    let number = Self.bearsStatus(pdu) ? pdu.header.big32(24) : pdu.header.big32(36)
    world.note(.repeated, session, UInt64(pdu.header[0] & 0x3F), UInt64(number))
    if !Self.bearsStatus(pdu) { pdu.header.put(statSN, at: 24) }
    numberCommands(&pdu)
    mistreat(pdu, of: task, permille: 6)
  }

  // MARK: - Acknowledged

  /// Takes the ExpStatSN of a request: nothing is acknowledged that did not come, and no status of
  /// a task before its data.
  func acknowledge(_ header: [UInt8]) {
    var expected = header.big32(28)
    if world.bug == .earlyStatusAcknowledgement, recovers { expected = statSN }
    guard Int32(bitPattern: statSN &- expected) >= 0,
      Int32(bitPattern: expected &- acknowledged) >= 0
    else {
      return world.violate(
        "ExpStatSN \(expected) where \(acknowledged) was acknowledged and \(statSN) is next")
    }
    guard recovers else { return }
    while acknowledged != expected {
      if undelivered.contains(acknowledged) {
        return world.violate("StatSN \(acknowledged) is acknowledged, and has not come")
      }
      if let task = answered[acknowledged] {
        if !link.hasFlipped, let missing = task.missingData(parameters) {
          return world.violate(
            "the status of tag 0x\(String(task.tag, radix: 16)) is acknowledged before its "
              + "Data-In \(missing) has come")
        }
        nexus?.forgetAnswered(task)
      }
      kept[acknowledged] = nil
      answered[acknowledged] = nil
      acknowledged &+= 1
    }
  }

  // MARK: - Asked for

  /// A SNACK Request.
  func take(snack header: [UInt8]) {
    let kind = header[1] & 0x0F
    let tag = header.big32(16)
    let (first, count) = (header.big32(40), header.big32(44))
    world.note(
      .snack, session, UInt64(kind) << 32 | UInt64(tag), UInt64(first) << 32 | UInt64(count))
    if kind == 2 { return take(dataACK: header) }
    guard kind < 2 else { return reject(header, reason: 0x03) }
    if world.wants(40) {
      world.inject(.snackUnanswered, session)
      return
    }
    let task = kind == 0 ? nexus?.anyTask(tag, on: self) : nil
    if world.wants(40), task.map({ target.mayFail($0) }) ?? true {
      world.inject(.snackRefused, session)
      task?.isForfeited = true
      return reject(header, reason: 0x03)
    }
    if kind == 1 { return repeatStatuses(first, count) }
    // What is over and acknowledged nobody needs.
    guard let task else { return }
    let pool = task.isWrite ? task.sentR2Ts : task.sentDataIn
    let numbers = pool.keys.sorted().filter { count == 0 || $0 &- first < count }
    for number in numbers {
      if let pdu = pool[number] { again(pdu, of: task) }
    }
  }

  private func repeatStatuses(_ first: UInt32, _ count: UInt32) {
    let start = count == 0 ? acknowledged : first
    let end = count == 0 ? statSN : first &+ count
    guard Int32(bitPattern: statSN &- end) >= 0, end &- start <= 4096 else {
      return world.violate("StatSN \(start) up to \(end) are asked for where \(statSN) is next")
    }
    var number = start
    while number != end {
      if let pdu = kept[number] { again(pdu, of: answered[number]) }
      number &+= 1
    }
  }

  /// The initiator has the Data-In up to a number: it was asked to say so.
  private func take(dataACK header: [UInt8]) {
    let (tag, next) = (header.big32(20), header.big32(40))
    // What was asked on another connection, or of a task that is over.
    guard let task = nexus?.task(acknowledging: tag, on: self) else {
      guard tag != 0xFFFF_FFFF, tag < nexus?.nextTransferTag ?? 0 else {
        return world.violate("a DataACK for a transfer tag that was not given")
      }
      return
    }
    guard let asked = task.acknowledgements[tag], next > asked, header.big32(44) == 0,
      header.big32(8) == UInt32(task.unit) << 16
    else { return world.violate("a DataACK up to \(next) where another was asked for") }
    if let missing = task.undelivered.filter({ $0 < next }).min() {
      return world.violate("Data-In \(missing) is acknowledged, and has not come")
    }
    task.acknowledgements[tag] = nil
    for number in task.sentDataIn.keys where number < next { task.sentDataIn[number] = nil }
  }
}
