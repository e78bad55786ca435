import ISCSI

/// Connections of a session: they come, are lost, are logged out; from ErrorRecoveryLevel 2 on the
/// tasks of a lost one wait for another.
///
/// Source: RFC 7143, 6.3.4, 7.2.2, 11.5.6, 11.6.1, 11.14 and 11.15.
extension Nexus {
  private var keepsTasks: Bool { parameters.errorRecoveryLevel >= 2 }

  // MARK: - They come

  /// A login with this session's TSIH; nil where the connection is one too many.
  ///
  /// With the CID of one that is there, or was lost, it logs that one out (6.3.4).
  func join(_ link: Link) -> NexusConnection? {
    if let old = connections.first(where: { $0.connectionID == link.connectionID }) {
      if keepsTasks { strand(old) } else { close(old) }
    }
    for old in lost where old.connectionID == link.connectionID { logOut(lost: old) }
    guard connections.count < Int(parameters.maxConnections) else { return nil }
    let connection = NexusConnection(world: world, target: target, link: link)
    connection.join(self)
    connections.append(connection)
    world.note(.joined, session, UInt64(link.connectionID))
    return connection
  }

  // MARK: - They go

  /// A connection is gone, as the target sees it: below ErrorRecoveryLevel 2 the session with it.
  func lose(_ connection: NexusConnection) {
    guard isAlive, connection.isAlive else { return }
    guard keepsTasks else { return end() }
    strand(connection)
  }

  /// Its tasks stay, for Time2Wait and Time2Retain (13.15, 13.16).
  private func strand(_ connection: NexusConnection) {
    world.note(.connectionLost, session, UInt64(connection.connectionID))
    remove(connection)
    connection.link.die(isFault: false)
    for task in tasks where task.connection === connection { task.strand() }
    lost.append(connection)
    let seconds = parameters.defaultTime2Wait + parameters.defaultTime2Retain
    world.after(UInt64(seconds) * World.second) { [weak self] in self?.expire(connection) }
  }

  private func remove(_ connection: NexusConnection) {
    connection.close()
    connections.removeAll { $0 === connection }
  }

  /// Nobody has come for its tasks: they end.
  private func expire(_ connection: NexusConnection) {
    guard isAlive, lost.contains(where: { $0 === connection }) else { return }
    guard !connections.isEmpty else { return end() }
    discard(connection)
  }

  /// The tasks of a connection end, without a word.
  private func discard(_ connection: NexusConnection) {
    lost.removeAll { $0 === connection }
    loggedOut.removeAll { $0 === connection }
    for task in tasks where task.connection === connection { drop(task) }
    answered.removeAll { $0.connection === connection }
  }

  /// A command whose turn has not come is as one that never came (11.14).
  private func drop(_ task: TargetTask) {
    guard task.hasBegun else {
      if let header = seen.removeValue(forKey: task.cmdSN), let connection = task.connection {
        dropped[task.cmdSN] = DroppedCommand(header: header, connection: connection)
      }
      return finish(task)
    }
    target.abort(task)
    finish(task)
  }

  /// A connection ends in order, or by another with its CID where no tasks are kept.
  private func close(_ connection: NexusConnection) {
    remove(connection)
    connection.link.dieBehindLast()
    discard(connection)
  }

  /// A lost connection is logged out for recovery: its tasks may go on over another, but those
  /// whose turn has not come (11.14).
  private func logOut(lost connection: NexusConnection) {
    lost.removeAll { $0 === connection }
    for task in tasks where task.connection === connection && !task.hasBegun { drop(task) }
    loggedOut.append(connection)
    let seconds = parameters.defaultTime2Wait + parameters.defaultTime2Retain
    world.after(UInt64(seconds) * World.second + 1) { [weak self] in
      guard let self, isAlive, loggedOut.contains(where: { $0 === connection }) else { return }
      discard(connection)
    }
  }

  // MARK: - Logout

  func logOut(_ header: [UInt8], on connection: NexusConnection) {
    let reason = header[1] & 0x7F
    let connectionID = UInt16(header.big(20, 2))
    guard mayComeUnordered else { return endSession(header, on: connection) }
    world.note(.loggedOut, session, UInt64(connectionID), UInt64(reason))
    switch reason {
    case 0:
      answer(logout: header, on: connection, wait: target.logoutWait(session))
      end(isInOrder: true)
    case 1:
      guard connectionID == connection.connectionID else {
        return world.violate("connection \(connectionID) is to be closed over another")
      }
      // A response that nobody may miss: what follows is not asked for again.
      close(connection, answering: header)
    case 2: logOutForRecovery(connectionID, header, on: connection)
    default: world.violate("a Logout for reason \(reason)")
    }
  }

  /// One connection at ErrorRecoveryLevel 0: what it is told does not reach it.
  private func endSession(_ header: [UInt8], on connection: NexusConnection) {
    answer(logout: header, on: connection, wait: target.logoutWait(session))
    end()
  }

  private func close(_ connection: NexusConnection, answering header: [UInt8]) {
    answer(logout: header, on: connection, wait: world.random.pick([0, 0, 1, 3]))
    close(connection)
    // Without one, the session is over too.
    if connections.isEmpty, lost.isEmpty { end(isInOrder: true) }
  }

  private func logOutForRecovery(
    _ connectionID: UInt16, _ header: [UInt8], on connection: NexusConnection
  ) {
    guard parameters.errorRecoveryLevel >= 2, connectionID != connection.connectionID else {
      return world.violate("connection \(connectionID) is logged out for recovery over itself")
    }
    if world.wants(30) {
      world.inject(.recoveryLogoutUnanswered, session)
      return
    }
    if world.wants(30) {
      world.inject(.recoveryLogoutRefused, session)
      return answer(
        logout: header, on: connection, response: UInt8(world.random.within(1...3)), wait: 0)
    }
    if let old = connections.first(where: { $0.connectionID == connectionID }) { strand(old) }
    guard let old = lost.first(where: { $0.connectionID == connectionID }) else {
      return answer(logout: header, on: connection, response: 1, wait: 0)
    }
    logOut(lost: old)
    let isKept = parameters.defaultTime2Retain > 0
    if !isKept { discard(old) }
    answer(
      logout: header, on: connection, wait: Int(parameters.defaultTime2Wait),
      retain: isKept ? Int(parameters.defaultTime2Retain) : 0)
  }

  private func answer(
    logout header: [UInt8], on connection: NexusConnection, response: UInt8 = 0, wait: Int,
    retain: Int = 0
  ) {
    var pdu = connection.pdu(0x26, tag: header.big32(16), countsStatus: true)
    pdu.header[2] = response
    pdu.header.put(UInt32(wait) << 16 | UInt32(retain), at: 40)
    connection.send(pdu)
  }

  // MARK: - Reassignment

  /// A TASK REASSIGN: what becomes of it (11.6.1), nil where nothing is said.
  func reassign(_ header: [UInt8], to connection: NexusConnection) -> UInt8? {
    guard keepsTasks else {
      world.violate("a task is to be reassigned below ErrorRecoveryLevel 2")
      return nil
    }
    if over.contains(header.big32(32)) {
      world.violate("a task is to be reassigned whose status was acknowledged")
    }
    let tag = header.big32(20)
    guard let task = (tasks + answered).first(where: { $0.tag == tag }), let old = task.connection
    else { return 1 }
    guard loggedOut.contains(where: { $0 === old }) else { return 3 }
    if world.wants(20) {
      world.inject(.reassignmentUnanswered, session)
      return nil
    }
    if world.wants(20) {
      world.inject(.reassignmentRefused, session)
      return world.random.pick([3, 4, 5, 255])
    }
    if world.wants(20) {
      world.inject(.taskGone, session)
      answered.removeAll { $0 === task }
      if !task.isEnded { drop(task) }
      return 1
    }
    task.connection = connection
    return 0
  }

  /// Goes on with a task that has been reassigned, whose initiator has been told.
  func resume(_ header: [UInt8], on connection: NexusConnection) {
    let (tag, first) = (header.big32(20), Int(header.big32(36)))
    guard isAlive, connection.isAlive,
      let task = (tasks + answered).first(where: { $0.tag == tag }),
      task.connection === connection
    else { return }
    world.note(.reassigned, session, UInt64(tag), UInt64(first))
    task.epoch += 1
    if let missing = task.undelivered.filter({ $0 < first }).min() {
      return world.violate("Data-In \(missing) counts as there, and has not come")
    }
    (task.undelivered, task.delivered) = ([], [])
    task.kept = UInt32(first)
    task.isForfeited = false
    if let dataIn = task.dataIn, task.answer?.isGood ?? true {
      // Mostly from where the initiator says, now and then all of it.
      task.reopen(in: self)
      dataIn.send(task, of: self, from: world.random.chance(900) ? first : 0)
    } else if let answer = task.answer {
      connection.send(answer, of: task)
    } else if let data = task.readData {
      task.readData = nil
      target.answer(task, data, of: self)
    } else if task.isWrite {
      askForData(task)
    }
    if world.bug == .executedTwice, task.isWrite { target.executeAgain(task) }
  }
}

extension TargetTask {
  /// Its status goes again, behind data.
  fileprivate func reopen(in nexus: Nexus) {
    guard isEnded else { return }
    isEnded = false
    answer = nil
    nexus.answered.removeAll { $0 === self }
    nexus.tasks.append(self)
  }
}
