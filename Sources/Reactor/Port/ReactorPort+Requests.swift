package import SystemPackage

/// What the control plane asks of a reactor.
extension ReactorPort {
  /// Starts a session on a logged-in connection, or takes up a lost one: its parked tasks are sent
  /// again in their first order, at once or, where the connection is held, at `resume`.
  package func start(_ session: SessionHandle, _ handover: consuming ConnectionHandover) {
    lane(of: session).submit(.start(session, HandoverBox(handover)))
  }

  /// Gives a session one more connection, in a place of the same reactor that no session has, or in
  /// the session's own where its first connection has been logged out.
  ///
  /// A session that is not up any more does not take it: the connection is closed, and the loss was
  /// told.
  package func join(
    _ session: SessionHandle, at place: SessionHandle, _ handover: consuming ConnectionHandover
  ) {
    lane(of: session).submit(.join(session, place, HandoverBox(handover)))
  }

  /// Gives a session whose last connection is lost (`lastConnectionLost`) another with its CID:
  /// the tasks that stayed at the target go on over it. LUNs' new commands wait for `resume` where
  /// the connection is held.
  ///
  /// A session that has given the tasks up meanwhile does not take it, and is told as lost again.
  package func rejoin(_ session: SessionHandle, _ handover: consuming ConnectionHandover) {
    lane(of: session).submit(.rejoin(session, HandoverBox(handover)))
  }

  /// Logs one connection of a session out, which has others; its tasks are awaited for a while, and
  /// what is not answered then is sent again on another. `connectionClosed` follows.
  package func closeConnection(
    _ connectionID: UInt16, of session: SessionHandle
  ) async -> ConnectionClosing {
    await withCheckedContinuation {
      lane(of: session).submit(.closeConnection(session, connectionID, $0))
    }
  }

  /// Lets a held session send LUNs' commands; one lost meanwhile stays lost.
  package func resume(_ session: SessionHandle) {
    lane(of: session).submit(.resume(session))
  }

  /// Sends one command on a session and returns how it ended.
  ///
  /// It waits for a slot, behind those who came before; its timeout begins when it has one.
  package func execute(
    _ task: ControlTask
  ) async throws(ControlTask.Failure) -> ControlTask.Result {
    let lane = lane(of: task.session)
    await lane.controlGate.enter()
    defer { lane.controlGate.leave() }
    let result = await withCheckedContinuation { continuation in
      lane.submit(.execute(task, continuation))
    }
    return try result.get()
  }

  /// Sends a task management function, immediate, and returns how it ended.
  ///
  /// When it has ended with `.complete` every task it was about has been answered, each once: EIO
  /// (EINTR where the caller was interrupted) after ABORT TASK, ABORT TASK SET and CLEAR TASK SET;
  /// after a reset they are sent again. A task's response that comes first counts as always.
  /// Waits no longer than the function's timeout (RFC 7143, 11.5; RFC 7144, 4).
  package func manage(_ request: TaskManagement) async -> TaskManagementOutcome {
    await withCheckedContinuation { lane(of: request.session).submit(.manage(request, $0)) }
  }

  /// Serves a LUN file, or serves it with new facts (a capacity that grew, another session).
  package func expose(_ unit: LogicalUnitHandle, _ registration: LogicalUnitRegistration) {
    for lane in all { lane.submit(.expose(unit, registration)) }
  }

  /// Ends service of a LUN file: requests waiting and to come get `error`; what is returned tells
  /// when none is in flight at the target any more, or its session is gone.
  ///
  /// The reactors are asked when this returns: what is asked of them afterwards comes behind it.
  package func withdraw(_ unit: LogicalUnitHandle, error: Errno) -> Withdrawal {
    let withdrawal = Withdrawal(laneCount: lanes.count)
    for lane in all { lane.submit(.withdraw(unit, error, withdrawal)) }
    return withdrawal
  }

  /// Takes note that a LUN file was opened for writing; `closed` follows.
  package func opened(_ unit: LogicalUnitHandle) { sharedUnits.opened(Int(unit.index)) }

  /// Takes note that such an open has been given up.
  package func closed(_ unit: LogicalUnitHandle) { sharedUnits.closed(Int(unit.index)) }

  /// Logs a session out and forgets it; returns when the target has answered, or at the session's
  /// logout timeout. Tasks still there go to another session of their unit, or fail with ENOTCONN.
  ///
  /// Proven is the end of a session that the target has said it closed.
  package func logout(_ session: SessionHandle) async -> SessionEnd {
    await withCheckedContinuation { lane(of: session).submit(.logout(session, $0)) }
  }

  /// Closes a session's connection as if it had been lost.
  package func drop(_ session: SessionHandle) {
    lane(of: session).submit(.drop(session))
  }

  /// Forgets a session without a Logout; its tasks fail with `error` at once.
  package func close(_ session: SessionHandle, error: Errno) async {
    await withCheckedContinuation { lane(of: session).submit(.close(session, error, $0)) }
  }

  /// Asks the session's target for a sign of life (NOP-Out); returns when it has answered, or is
  /// given up for not answering.
  package func ping(_ session: SessionHandle) async -> PingOutcome {
    await withCheckedContinuation { lane(of: session).submit(.ping(session, $0)) }
  }

  /// Changes the session's waits; one that runs counts from its beginning.
  package func setTimeouts(_ session: SessionHandle, _ timeouts: SessionTimeouts) {
    lane(of: session).submit(.setTimeouts(session, timeouts))
  }

  /// How many commands a unit may have in flight now, in the reactor that lets it have the fewest;
  /// nil when the handle names none.
  package func queueDepth(_ unit: LogicalUnitHandle) async -> UInt16? {
    var least: UInt16?
    for lane in all {
      let depth = await withCheckedContinuation { lane.submit(.queueDepth(unit, $0)) }
      if let depth { least = min(least ?? depth, depth) }
    }
    return least
  }

  /// A session's numbers, nil when the handle names none.
  package func statistics(_ session: SessionHandle) async -> SessionStatistics? {
    await withCheckedContinuation { lane(of: session).submit(.statistics(session, $0)) }
  }

  /// A pcap stream of a session's PDUs from now on, until it is closed or the session ends; PDUs
  /// that find it full are lost and counted.
  ///
  /// ENOTCONN when the handle names none, ENFILE when enough read already.
  package func capture(_ session: SessionHandle) async throws(Errno) -> ByteStream {
    let stream = ByteStream(capacity: CaptureTap.streamBytes)
    let refusal = await withCheckedContinuation { continuation in
      lane(of: session).submit(.capture(session, stream, continuation))
    }
    if let refusal { throw refusal }
    return stream
  }

  /// A session's commands without a status, at most as many as there are slots, the oldest first;
  /// nil when the handle names none.
  package func tasks(_ session: SessionHandle) async -> [OutstandingTask]? {
    await withCheckedContinuation { lane(of: session).submit(.tasks(session, $0)) }
  }

  /// Tells the reactors that the kernel waits for the entries of its rings.
  package func registerRing() {
    for lane in all { lane.submit(.registerRing) }
  }

  /// Ends the reactors' loops after their current turns.
  package func stop() {
    for lane in all { lane.submit(.stop) }
  }
}
