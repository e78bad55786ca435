import LinuxIO
import SCSI
import Synchronization
import SystemPackage
import Wire

@testable import Reactor

/// Stands behind the door and answers from tables, on a thread of its own.
final class FakeReactor: Sendable {
  struct Command: Equatable, Sendable {
    var session: SessionHandle
    var lun: LogicalUnitNumber
    var cdb: CommandDescriptorBlock
  }

  struct Withdrawal: Equatable, Sendable {
    var unit: LogicalUnitHandle
    var error: Errno
  }

  struct State: Sendable {
    var units: [LogicalUnitNumber: FakeLogicalUnit] = [:]
    /// Listed although no unit answers there, or nil to refuse REPORT LUNS with this sense.
    var alsoListed: [LogicalUnitNumber] = []
    var reportLUNsRefusal: AdditionalSense?
    var commands: [Command] = []
    var started: [SessionHandle] = []
    var loggedOut: [SessionHandle] = []
    var closed: [SessionHandle] = []
    var dropped: [SessionHandle] = []
    var exposed: [LogicalUnitHandle: LogicalUnitRegistration] = [:]
    var exposures: [LogicalUnitHandle] = []
    var withdrawn: [Withdrawal] = []
    /// Commands on these sessions end with `sessionLost`.
    var lost: Set<SessionHandle> = []
    /// Logouts are never answered.
    var ignoresLogout = false
  }

  let port: ReactorPort
  private let state = Mutex(State())
  private let stopped = Atomic<Bool>(false)
  private let heldLogouts = Mutex<[CheckedContinuation<Void, Never>]>([])

  init(_ units: [LogicalUnitNumber: FakeLogicalUnit] = [:]) throws {
    port = try ReactorPort()
    state.withLock { $0.units = units }
    PosixThread(name: "fake reactor") { [self] in
      while !stopped.load(ordering: .relaxed) {
        _ = port.wakeup.wait(milliseconds: 1000)
        port.wakeup.clear()
        while let command = port.next() { take(command) }
      }
    }.detach()
  }

  func with<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
    state.withLock { body(&$0) }
  }

  /// Ends the thread.
  func stop() {
    stopped.store(true, ordering: .relaxed)
    for held in heldLogouts.withLock({ $0 }) { held.resume() }
    port.wakeup.signal()
  }

  func send(_ event: ReactorEvent) {
    port.eventContinuation.yield(event)
  }

  /// The operation codes sent to a LUN, in order.
  func operationCodes(to lun: LogicalUnitNumber) -> [OperationCode] {
    with { $0.commands.filter { $0.lun == lun }.map(\.cdb.operationCode) }
  }

  private func take(_ command: ReactorCommand) {
    switch command {
    case .start(let session, _): started(session)
    case .execute(let task, let continuation): continuation.resume(returning: execute(task))
    case .expose(let unit, let registration): exposed(unit, registration)
    case .withdraw(let unit, let error, let continuation):
      withdrawn(Withdrawal(unit: unit, error: error))
      continuation.resume()
    case .logout(let session, let continuation): logout(session, continuation)
    case .drop(let session): dropped(session)
    case .close(let session, _, let continuation):
      closed(session)
      continuation.resume()
    case .statistics(_, let continuation): continuation.resume(returning: SessionStatistics())
    case .stop: break
    }
  }

  private func started(_ session: SessionHandle) {
    with { state in
      state.started.append(session)
      state.lost.remove(session)
    }
  }

  private func exposed(_ unit: LogicalUnitHandle, _ registration: LogicalUnitRegistration) {
    with { state in
      state.exposed[unit] = registration
      state.exposures.append(unit)
    }
  }

  private func withdrawn(_ withdrawal: Withdrawal) {
    with { state in
      state.exposed[withdrawal.unit] = nil
      state.withdrawn.append(withdrawal)
    }
  }

  private func logout(
    _ session: SessionHandle, _ continuation: CheckedContinuation<Void, Never>
  ) {
    if with({ $0.ignoresLogout }) {
      heldLogouts.withLock { $0.append(continuation) }
    } else {
      with { $0.loggedOut.append(session) }
      continuation.resume()
    }
  }

  private func dropped(_ session: SessionHandle) { with { $0.dropped.append(session) } }
  private func closed(_ session: SessionHandle) { with { $0.closed.append(session) } }

  private func execute(_ task: ControlTask) -> Result<ControlTask.Result, ControlTask.Failure> {
    with { state in
      state.commands.append(Command(session: task.session, lun: task.lun, cdb: task.cdb))
      guard !state.lost.contains(task.session) else { return .failure(.sessionLost) }
      if task.cdb.operationCode == .reportLUNs {
        if let refusal = state.reportLUNsRefusal {
          return .success(.check(.illegalRequest, refusal))
        }
        let listed = (Array(state.units.keys) + state.alsoListed).sorted {
          $0.rawValue < $1.rawValue
        }
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt32(listed.count * 8))
        bytes.appendBigEndian(UInt32(0))
        for lun in listed { bytes.appendBigEndian(lun.rawValue) }
        return .success(.good(bytes))
      }
      guard var unit = state.units[task.lun] else {
        return .success(.check(.illegalRequest, .logicalUnitNotSupported))
      }
      defer { state.units[task.lun] = unit }
      return .success(unit.answer(task.cdb))
    }
  }
}
