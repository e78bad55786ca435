import ISCSI
import Reactor
import SCSI
import SystemPackage

@testable import ControlPlane

/// A control plane that shows what the test gives it and remembers what it was told.
actor FakeSource: TreeSource {
  nonisolated let channel = RequestChannel.device
  enum Told: Equatable {
    case root(RootCommand)
    case target(TargetCommand, String)
    case session(SessionCommand, String, Int)
    case unit(LogicalUnitCommand, String, LogicalUnitNumber)
    case name(String)
    case lines(String, String?)
    case opened(LogicalUnitHandle, writable: Bool)
    case closed(LogicalUnitHandle, writable: Bool)
    case aborted(InitiatorTaskTag, SessionHandle)
  }

  private var current: InitiatorSnapshot
  private(set) var refusals: [String: ControlError] = [:]
  private(set) var told: [Told] = []
  private var refusal: ControlError?
  private var openError: Errno?
  private var hangs = false
  private var numbers: SessionStatistics?
  private var outstanding: [OutstandingTask]? = []
  nonisolated let changes: AsyncStream<TreeChange>
  nonisolated let changed: AsyncStream<TreeChange>.Continuation

  init(_ snapshot: InitiatorSnapshot) {
    current = snapshot
    (changes, changed) = AsyncStream.makeStream()
    var numbers = SessionStatistics()
    numbers.cmdSN = 10
    numbers.expCmdSN = 11
    numbers.maxCmdSN = 42
    numbers.expStatSN.add(0, expStatSN: 0)
    self.numbers = numbers
  }

  func show(_ snapshot: InitiatorSnapshot) { current = snapshot }
  func refuse(_ error: ControlError?) { refusal = error }
  func refuseOpens(_ error: Errno?) { openError = error }
  /// From now on a target's commands take an hour, or until they are cancelled.
  func hang() { hangs = true }
  func hideStatistics() { numbers = nil }
  func show(statistics: SessionStatistics) { numbers = statistics }

  func snapshot() -> InitiatorSnapshot { current }

  func perform(_ command: RootCommand) throws(ControlError) { try note(.root(command)) }

  func perform(_ command: TargetCommand, target: String) async throws(ControlError) {
    if hangs {
      do { try await Task.sleep(for: .seconds(3600)) } catch { hangs = false }
    }
    try note(.target(command, target))
  }

  func perform(
    _ command: SessionCommand, target: String, session: Int
  ) throws(ControlError) { try note(.session(command, target, session)) }

  func perform(
    _ command: LogicalUnitCommand, target: String, lun: LogicalUnitNumber
  ) throws(ControlError) { try note(.unit(command, target, lun)) }

  func noteRefusal(_ error: ControlError, target: String) { refusals[target] = error }

  func loginLog(target: String) -> String? {
    current.targets[target].map { "logins of \($0.name)\n" }
  }

  func configuration(target: String?) -> String? { "settings of \(target ?? "the mount")\n" }

  func configure(_ lines: String, target: String?) throws(ControlError) {
    try note(.lines(lines, target))
  }

  func setInitiatorName(_ name: String) throws(ControlError) { try note(.name(name)) }

  func openLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) throws(Errno) {
    if let openError { throw openError }
    told.append(.opened(unit, writable: writable))
  }

  func closeLogicalUnit(_ unit: LogicalUnitHandle, writable: Bool) {
    told.append(.closed(unit, writable: writable))
  }

  func statistics(_ session: SessionHandle) -> SessionStatistics? { numbers }

  func queueDepth(_ unit: LogicalUnitHandle) -> UInt16? { unit == Fixtures.disk ? 16 : nil }

  nonisolated let stream = ByteStream(capacity: 256, readsLines: true)

  func events() throws(Errno) -> ByteStream {
    if let openError { throw openError }
    return stream
  }

  func capture(_ session: SessionHandle) throws(Errno) -> ByteStream { try events() }

  func tasks(_ session: SessionHandle) -> [OutstandingTask]? { outstanding }

  func abort(_ task: InitiatorTaskTag, of session: SessionHandle) throws(Errno) {
    guard let index = outstanding?.firstIndex(where: { $0.tag == task }) else {
      throw .noSuchFileOrDirectory
    }
    if let openError { throw openError }
    outstanding?.remove(at: index)
    told.append(.aborted(task, session))
  }

  func show(tasks: [OutstandingTask]?) { outstanding = tasks }

  private func note(_ what: Told) throws(ControlError) {
    if let refusal { throw refusal }
    told.append(what)
  }
}
