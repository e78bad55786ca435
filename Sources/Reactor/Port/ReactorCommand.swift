import SystemPackage

/// A request of the control plane on its way through the door.
enum ReactorCommand: ~Copyable, Sendable {
  case start(SessionHandle, ConnectionHandover)
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
