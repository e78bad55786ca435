package import ISCSI
package import SCSI

/// One task management function of the control plane for a session's target.
package struct TaskManagement: Sendable {
  package var session: SessionHandle
  package var function: TaskManagementRequest.Function
  /// The unit meant, where the function is about one; a task brings its own.
  package var lun: LogicalUnitNumber
  /// The task meant by ABORT TASK and QUERY TASK.
  package var task: InitiatorTaskTag
  /// How long the target may take before who waits is told.
  package var timeoutMilliseconds: UInt64

  package init(
    session: SessionHandle, function: TaskManagementRequest.Function,
    lun: LogicalUnitNumber = LogicalUnitNumber(rawValue: 0),
    task: InitiatorTaskTag = .reserved, timeoutMilliseconds: UInt64 = 15_000
  ) {
    self.session = session
    self.function = function
    self.lun = lun
    self.task = task
    self.timeoutMilliseconds = timeoutMilliseconds
  }
}

/// How a task management function ended.
package enum TaskManagementOutcome: Equatable, Sendable {
  /// The target has done it. A task to be aborted that it does not have counts as aborted, one
  /// asked for by QUERY TASK as not there.
  case complete
  /// What was asked for is there (QUERY TASK, QUERY TASK SET, QUERY ASYNCHRONOUS EVENT).
  case succeeded
  /// The target would not; nil where its response code is none it may use.
  case refused(TaskManagementResponse.Response?)
  /// The target rejected the request as a PDU (RFC 7143, 11.17.1).
  case rejected(reason: UInt8)
  /// No such task is at the target: ended, or not sent yet. Nothing was sent.
  case taskNotFound
  /// The session has not negotiated what the function needs. Nothing was sent.
  case notNegotiated
  /// The handle names no session that is logged in.
  case notConnected
  case sessionLost
  /// Tasks may still end by it later.
  case timedOut
  /// More functions at once than the reactor has room for.
  case busy
}
