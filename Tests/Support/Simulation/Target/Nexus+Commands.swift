import ISCSI

/// Commands and their data, over all connections: each once, in the order of CmdSN.
///
/// Source: RFC 7143, 4.2.2.1, 7.2.1 and 7.8.
extension Nexus {
  /// The task with this tag that has its allegiance to a connection.
  func task(_ tag: UInt32, on connection: NexusConnection) -> TargetTask? {
    tasks.first { $0.tag == tag && $0.connection === connection }
  }

  /// The same, also where its status has been sent.
  func anyTask(_ tag: UInt32, on connection: NexusConnection) -> TargetTask? {
    task(tag, on: connection)
      ?? answered.last { $0.tag == tag && $0.connection === connection }
  }

  /// The task that has asked for an acknowledgement.
  func task(acknowledging tag: UInt32, on connection: NexusConnection) -> TargetTask? {
    (tasks + answered).first {
      $0.connection === connection && $0.acknowledgements[tag] != nil
    }
  }

  // MARK: - Arrival

  func take(command header: [UInt8], _ data: [UInt8], on connection: NexusConnection) {
    let tag = header.big32(16)
    world.note(.command, session, UInt64(tag), UInt64(header[32]))
    var header = header
    if let original = dropped.values.first(where: { $0.header.big32(16) == tag }),
      world.bug == .renumberedRetry, original.header.big32(24) == header.big32(24)
    {
      header.put(header.big32(24) &+ 1, at: 24)
    }
    let cmdSN = header.big32(24)
    let distance = Int32(bitPattern: cmdSN &- expCmdSN)
    guard distance == 0 || mayComeUnordered else {
      return world.violate("CmdSN \(cmdSN) where \(expCmdSN) is next")
    }
    guard Int32(bitPattern: maxCmdSN &- cmdSN) >= 0 else {
      return world.violate("a command was sent into a closed window")
    }
    guard isNew(header, on: connection) else { return }
    guard !tasks.contains(where: { $0.tag == tag }) else {
      return world.violate("tag 0x\(String(tag, radix: 16)) is used twice at once")
    }
    if connection.recovers, world.wantsInRecovery(12) {
      world.inject(.commandDropped, session)
      return drop(header, on: connection, rejects: !data.isEmpty && world.random.chance(500))
    }
    seen[cmdSN] = header
    guard let task = target.task(header) else {
      return world.violate("a command that cannot be: \(header[32...])")
    }
    if mayComeUnordered, tasks.contains(where: { $0.slot == task.slot }) {
      return world.violate("a command is sent anew while the target has it still")
    }
    task.cmdSN = cmdSN
    task.connection = connection
    guard takeFirst(data, of: task, header) else { return }
    deliver()
  }

  /// What comes along with a command; false where it is more than was agreed on.
  private func takeFirst(_ data: [UInt8], of task: TargetTask, _ header: [UInt8]) -> Bool {
    let first = min(Int(parameters.firstBurstLength), task.expectedLength)
    guard data.count <= (task.isWrite && parameters.immediateData ? first : 0) else {
      world.violate("\(data.count) bytes of immediate data are too many")
      return false
    }
    tasks.append(task)
    guard task.isWrite else { return true }
    accept(data[...], at: 0, of: task)
    if header[1] & 0x80 == 0 {
      guard !parameters.initialR2T else {
        world.violate("Data-Out would come unasked")
        return false
      }
      task.unsolicited = .init(transferTag: 0xFFFF_FFFF, offset: data.count, end: first)
    }
    return true
  }

  /// Whether a command has not come before; the same again is passed over (4.2.2.1), and what is
  /// not quite the same breaks a rule.
  private func isNew(_ header: [UInt8], on connection: NexusConnection) -> Bool {
    let (tag, cmdSN) = (header.big32(16), header.big32(24))
    if let original = dropped[cmdSN] {
      guard Self.isSame(header, original.header) else {
        world.violate("CmdSN \(cmdSN) comes again as another command")
        return false
      }
      guard connection === original.connection || !original.connection.isAlive else {
        world.violate("a command comes again on another connection, and its own is there")
        return false
      }
      dropped[cmdSN] = nil
    } else if dropped.values.contains(where: { ($0.header.big32(16) ^ tag) & 0xFFFF == 0 }) {
      // The low half of a tag is a slot of the reactor's, which has one task at a time.
      world.violate("a command that did not get through comes again with another CmdSN")
      return false
    }
    guard let before = seen[cmdSN] else {
      // Ended before it came.
      if skipped.contains(cmdSN) { return false }
      guard Int32(bitPattern: cmdSN &- expCmdSN) >= 0 else {
        world.violate("CmdSN \(cmdSN) where \(expCmdSN) is next")
        return false
      }
      return true
    }
    guard Self.isSame(header, before), parameters.errorRecoveryLevel > 0 else {
      world.violate("CmdSN \(cmdSN) is used twice")
      return false
    }
    // Its unsolicited data come again as well.
    if let task = tasks.first(where: { $0.tag == tag }), task.unsolicited == nil {
      task.forgottenTags.insert(0xFFFF_FFFF)
    }
    if over.contains(cmdSN) {
      world.violate("a command comes again whose status was acknowledged")
    }
    return false
  }

  /// The same command again: tag, number, flags, LUN, length and CDB. How much of the data comes
  /// along is the connection's.
  private static func isSame(_ header: [UInt8], _ other: [UInt8]) -> Bool {
    header[1] & 0x7F == other[1] & 0x7F && header[8..<28] == other[8..<28]
      && header[32..<48] == other[32..<48]
  }

  /// A command does not get through: it must come again as it was.
  func drop(_ header: [UInt8], on connection: NexusConnection, rejects: Bool) {
    let cmdSN = header.big32(24)
    guard seen[cmdSN] == nil, Int32(bitPattern: cmdSN &- expCmdSN) >= 0 else { return }
    dropped[cmdSN] = DroppedCommand(header: header, connection: connection)
    if rejects { connection.reject(header, reason: 0x02) }
  }

  /// Begins what is next in the order of CmdSN, as far as it has come.
  func deliver() {
    while isAlive {
      if skipped.contains(expCmdSN) {
        expCmdSN &+= 1
      } else if let task = tasks.first(where: { !$0.hasBegun && $0.cmdSN == expCmdSN }),
        let header = seen[task.cmdSN]
      {
        expCmdSN &+= 1
        task.hasBegun = true
        if seen.count > 512 {
          let next = expCmdSN
          seen = seen.filter { Int32(bitPattern: next &- $0.key) < 256 }
        }
        target.begin(task, of: self, header)
      } else {
        break
      }
    }
    while isAlive,
      let index = waiting.firstIndex(where: { Int32(bitPattern: expCmdSN &- $0.cmdSN) >= 0 })
    {
      waiting.remove(at: index).action()
    }
  }

  /// A command ends that has not come, or whose turn has not.
  func skip(_ cmdSN: UInt32) {
    dropped[cmdSN] = nil
    skipped.insert(cmdSN)
    deliver()
  }

  // MARK: - Data

  private func accept(_ bytes: ArraySlice<UInt8>, at offset: Int, of task: TargetTask) {
    guard world.bug == .wrongBufferOffset, bytes.count >= 2 * Stamp.granule else {
      return task.take(bytes, at: offset)
    }
    task.take(bytes.dropFirst(Stamp.granule) + bytes.prefix(Stamp.granule), at: offset)
  }

  func take(dataOut header: [UInt8], _ data: [UInt8], on connection: NexusConnection) {
    let tag = header.big32(16)
    // What was on its way when its task ended.
    guard let task = tasks.first(where: { $0.tag == tag }) else { return }
    guard task.connection === connection else {
      return world.violate("Data-Out on another connection than its command")
    }
    let transferTag = header.big32(20)
    guard !task.forgottenTags.contains(transferTag) else { return }
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
    if isFinal, task.hasBegun { askForData(task) }
  }

  /// Data-Out came changed: what is left of its request is asked for anew.
  func forget(_ header: [UInt8], of task: TargetTask) {
    let transferTag = header.big32(20)
    if transferTag == 0xFFFF_FFFF {
      task.unsolicited = nil
    } else {
      task.requests.removeAll { $0.transferTag == transferTag }
    }
    task.forgottenTags.insert(transferTag)
    if task.hasBegun { askForData(task) }
  }

  /// Asks for what is missing, as much at once as was agreed; then the task is executed.
  func askForData(_ task: TargetTask) {
    guard task.unsolicited == nil, let connection = task.connection, connection.isAlive else {
      return
    }
    if task.received == task.expectedLength {
      guard !task.isScheduled else { return }
      task.isScheduled = true
      return target.schedule(task, of: self)
    }
    if task.wanted.isEmpty, task.requests.isEmpty { plan(task) }
    while task.requests.count < Int(parameters.maxOutstandingR2T), !task.wanted.isEmpty {
      let range = task.wanted.removeFirst()
      let request = TargetTask.Request(
        transferTag: takeTransferTag(), offset: range.lowerBound, end: range.upperBound)
      task.requests.append(request)
      var r2t = connection.pdu(0x31, tag: task.tag)
      r2t.header.put(UInt32(task.unit) << 16, at: 8)
      r2t.header.put(request.transferTag, at: 20)
      r2t.header.put(task.r2tSN, at: 36)
      r2t.header.put(UInt32(range.lowerBound), at: 40)
      r2t.header.put(UInt32(range.count), at: 44)
      task.r2tSN += 1
      connection.send(r2t, of: task)
    }
  }

  private func plan(_ task: TargetTask) {
    for missing in task.missingRanges {
      var offset = missing.lowerBound
      while offset < missing.upperBound {
        let most = min(Int(parameters.maxBurstLength), missing.upperBound - offset)
        let count = world.random.chance(300) ? world.random.within(1...most / 64) * 64 : most
        task.wanted.append(offset..<offset + count)
        offset += count
      }
    }
    // More than a client keeps track of would be its right to refuse.
    if !parameters.dataSequenceInOrder, task.wanted.count < 60 { shuffle(&task.wanted) }
  }
}
