package import SystemPackage

/// What the control plane asks of a reactor.
extension ReactorPort {
  /// Starts a session on a logged-in connection, or takes up a lost one: its parked tasks are sent
  /// again in their first order, at once or, where the connection is held, at `resume`.
  package func start(_ session: SessionHandle, _ handover: consuming ConnectionHandover) {
    submit(.start(session, HandoverBox(handover)))
  }

  /// Lets a held session send LUNs' commands; one lost meanwhile stays lost.
  package func resume(_ session: SessionHandle) {
    submit(.resume(session))
  }

  /// Sends one command on a session and returns how it ended.
  package func execute(
    _ task: ControlTask
  ) async throws(ControlTask.Failure) -> ControlTask.Result {
    guard hasRoom else { throw .busy }
    let result = await withCheckedContinuation { continuation in
      submit(.execute(task, continuation))
    }
    return try result.get()
  }

  /// Serves a LUN file, or serves it with new facts (a capacity that grew, another session).
  package func expose(_ unit: LogicalUnitHandle, _ registration: LogicalUnitRegistration) {
    submit(.expose(unit, registration))
  }

  /// Ends service of a LUN file: requests waiting and to come get `error`; returns when none is in
  /// flight at the target any more, or its session is gone.
  package func withdraw(_ unit: LogicalUnitHandle, error: Errno) async {
    await withCheckedContinuation { submit(.withdraw(unit, error, $0)) }
  }

  /// Logs a session out and forgets it; returns when the target has answered, or at the session's
  /// logout timeout. Tasks still there fail with ENOTCONN.
  package func logout(_ session: SessionHandle) async {
    await withCheckedContinuation { submit(.logout(session, $0)) }
  }

  /// Closes a session's connection as if it had been lost.
  package func drop(_ session: SessionHandle) {
    submit(.drop(session))
  }

  /// Forgets a session without a Logout; its tasks fail with `error` at once.
  package func close(_ session: SessionHandle, error: Errno) async {
    await withCheckedContinuation { submit(.close(session, error, $0)) }
  }

  /// A session's numbers, nil when the handle names none.
  package func statistics(_ session: SessionHandle) async -> SessionStatistics? {
    await withCheckedContinuation { submit(.statistics(session, $0)) }
  }

  /// Ends the reactor's loop after its current turn.
  package func stop() {
    submit(.stop)
  }
}
