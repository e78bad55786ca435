import ISCSI
import SystemPackage
import Wire

/// What people are shown of a session at work: its PDUs and its tasks.
extension Reactor {
  /// There is a connection, made by these PDUs.
  mutating func observe(_ logins: [LoginPDU], connection index: Int) {
    connections[index].observer.counts[.loginRequest] += UInt64(logins.count { $0.isSent })
    guard connections[index].observer.tap != nil else { return }
    let path = CapturePath(socket: connections[index].descriptor)
    connections[index].observer.show { tap in
      tap.connect(path)
      for login in logins { tap.show(login) }
    }
  }

  /// A PDU has come: whole, in `byteCount` bytes at `start`, or (0) without all of its payload yet.
  mutating func observe(
    received header: BasicHeaderSegment, at start: UnsafeMutableRawPointer, headerLength: Int,
    byteCount: Int, connection index: Int
  ) {
    connections[index].observer.counts[header.opcode] += 1
    guard connections[index].observer.tap != nil else { return }
    let head = unsafe UnsafeRawBufferPointer(start: start, count: headerLength)
    guard byteCount > 0 else {
      return connections[index].observer.show { unsafe $0.stage(head) }
    }
    let length = header.dataSegmentLength
    // SAFETY: header, data and what ends them lie one behind the other in the receive buffer.
    let pdu = unsafe CapturedPDU(
      header: head, payload: UnsafeRawBufferPointer(start: start + headerLength, count: length),
      trailer: UnsafeRawBufferPointer(
        start: start + headerLength + length, count: byteCount - headerLength - length))
    connections[index].observer.show { $0.show(pdu, .received) }
  }

  /// The rest of a PDU has come whose header was observed: its data in a slot's pages.
  mutating func observe(
    payload: UnsafeMutableRawPointer, count: Int, trailer: UnsafeMutableRawPointer,
    trailerCount: Int, connection index: Int
  ) {
    guard connections[index].observer.tap != nil else { return }
    connections[index].observer.show { tap in
      // SAFETY: the caller has received as many bytes there.
      unsafe tap.showStaged(
        payload: UnsafeRawBufferPointer(start: payload, count: count),
        trailer: UnsafeRawBufferPointer(start: trailer, count: trailerCount))
    }
  }

  /// Shows a session, all its connections, to one more reader, or says why not.
  mutating func capture(_ handle: SessionHandle, _ stream: ByteStream) -> Errno? {
    guard let index = find(handle) else { return .socketNotConnected }
    let tap =
      connections[index].observer.tap
      ?? CaptureTap(path: CapturePath(socket: connections[index].descriptor))
    guard tap.add(stream) else { return .tooManyOpenFilesInSystem }
    connections[index].observer.tap = tap
    for other in connectionsBeside(index) {
      guard let its = connections[other].observer.tap else {
        share(tap, with: other)
        continue
      }
      its.share(stream)
    }
    return nil
  }

  /// A further connection is shown to whoever watches its session's first.
  mutating func share(_ tap: CaptureTap?, with connection: Int) {
    guard let tap, !tap.isIdle else { return }
    connections[connection].observer.tap = CaptureTap(
      path: CapturePath(socket: connections[connection].descriptor), sharing: tap)
  }

  /// A session's numbers, those of its connections together; nil when the handle names none.
  func statistics(_ handle: SessionHandle) -> SessionStatistics? {
    guard let index = find(handle) else { return nil }
    var statistics = connections[index].statistics
    statistics.pdus = connections[index].observer.counts
    statistics.expStatSN = StatusNumbers()
    if sessions[index].connections & 1 << UInt64(index) != 0 || !sessions[index].isConnected {
      noteStatusNumber(of: index, in: &statistics)
    }
    for other in connectionsBeside(index) {
      statistics.add(connections[other].statistics)
      statistics.pdus.add(connections[other].observer.counts)
      noteStatusNumber(of: other, in: &statistics)
    }
    statistics.cmdSN = sessions[index].window.cmdSN.rawValue
    statistics.expCmdSN = sessions[index].window.expCmdSN.rawValue
    statistics.maxCmdSN = sessions[index].window.maxCmdSN.rawValue
    statistics.tasksInFlight = sessions[index].inFlightCount
    return statistics
  }

  private func noteStatusNumber(of index: Int, in statistics: inout SessionStatistics) {
    statistics.expStatSN.add(
      connections[index].connectionID,
      expStatSN: connections[index].machine.expStatSN.rawValue)
  }

  /// The places of a session's further connections.
  private func connectionsBeside(_ session: Int) -> [Int] {
    let others = sessions[session].connections & ~(1 << UInt64(session))
    return (0..<connections.count).filter { others & 1 << UInt64($0) != 0 }
  }

  /// Every command of a session that waits to be sent or to be answered, the oldest first;
  /// nil when the handle names none.
  func outstandingTasks(_ handle: SessionHandle) -> [OutstandingTask]? {
    guard let index = find(handle) else { return nil }
    var tasks: [OutstandingTask] = []
    for slot in 0..<slots.count where slots[slot].kind != .free && slots[slot].kind != .cold {
      guard slots[slot].session == UInt16(index), !slots[slot].isOver else { continue }
      let state: OutstandingTask.State
      switch slots[slot].stage {
      case .queued: state = .queued
      case .inFlight, .stranded: state = slots[slot].isAnswered ? .abandoned : .sent
      case .idle, .range, .quiet, .delayed, .throttled: continue
      }
      var shown = slots[slot]
      // Sending gives it the next generation.
      if state == .queued { shown.generation &+= 1 }
      tasks.append(
        OutstandingTask(
          tag: shown.tag(index: slot), lun: shown.lun, cdb: shown.cdb,
          byteCount: shown.transfer.expectedLength,
          ageMilliseconds: (now &- shown.startedAt) / Interval.millisecond, state: state))
    }
    return tasks.sorted { $0.ageMilliseconds > $1.ageMilliseconds }
  }
}
