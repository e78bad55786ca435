import SystemPackage

/// A request of the control plane on its way through the door.
enum ReactorCommand: Sendable {
  case start(SessionHandle, HandoverBox)
  case execute(
    ControlTask, CheckedContinuation<Result<ControlTask.Result, ControlTask.Failure>, Never>)
  case expose(LogicalUnitHandle, LogicalUnitRegistration)
  case withdraw(LogicalUnitHandle, Errno, CheckedContinuation<Void, Never>)
  case logout(SessionHandle, CheckedContinuation<Void, Never>)
  case drop(SessionHandle)
  case close(SessionHandle, Errno, CheckedContinuation<Void, Never>)
  case statistics(SessionHandle, CheckedContinuation<SessionStatistics?, Never>)
  case stop
}
