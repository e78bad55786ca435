import ISCSI
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

  struct Join: Equatable, Sendable {
    var session: SessionHandle
    var place: SessionHandle
    var connectionID: UInt16
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
    /// Data that answer REPORT LUNS instead.
    var reportLUNsData: [UInt8]?
    /// LUNs that REPORT LUNS counts and does not send; they grow by as many with every answer.
    var unsentLUNs = 0
    var unsentLUNsGrowth = 0
    var commands: [Command] = []
    var started: [SessionHandle] = []
    /// Further connections: their session, their place, their CID.
    var joined: [Join] = []
    /// Sessions whose only connection was replaced.
    var rejoined: [SessionHandle] = []
    var numbers = SessionStatistics()
    /// Sessions whose last connection is held.
    var held: Set<SessionHandle> = []
    /// The files served when a held session was resumed, one entry each time.
    var servedAtResume: [Set<LogicalUnitHandle>] = []
    /// LUNs that answer nothing until their session is dropped or closed.
    var silent: Set<LogicalUnitNumber> = []
    /// Sessions without a connection: no logout of theirs is answered by the target.
    var away: Set<SessionHandle> = []
    var loggedOut: [SessionHandle] = []
    var closed: [SessionHandle] = []
    var dropped: [SessionHandle] = []
    var exposed: [LogicalUnitHandle: LogicalUnitRegistration] = [:]
    var exposures: [LogicalUnitHandle] = []
    var withdrawn: [Withdrawal] = []
    /// Commands on these sessions end with `sessionLost`.
    var lost: Set<SessionHandle> = []
    /// Files whose commands at the target never end: their withdrawals are not answered.
    var stuck: Set<LogicalUnitHandle> = []
    /// Logouts are never answered.
    var ignoresLogout = false
    /// What is outstanding, and how task management functions end.
    var tasks: [OutstandingTask] = []
    var managed: [InitiatorTaskTag] = []
    var functions: [TaskManagementRequest.Function] = []
    var ping = PingOutcome.answered(nanoseconds: 1_500)
    var timeouts: [SessionTimeouts] = []
    /// The waits of the last connection handed over.
    var handedTimeouts: SessionTimeouts?
    var outcome = TaskManagementOutcome.complete

    mutating func manage(_ request: TaskManagement) -> TaskManagementOutcome {
      managed.append(request.task)
      functions.append(request.function)
      return outcome
    }
  }

  let port: ReactorPort
  private let state = Mutex(State())
  private let taking = Mutex(())
  private let stopped = Atomic<Bool>(false)
  private let unanswered = Mutex<[ControlContinuation]>([])
  private let heldEnds = Mutex<[@Sendable () -> Void]>([])

  init(_ units: [LogicalUnitNumber: FakeLogicalUnit] = [:]) throws {
    port = try ReactorPort()
    state.withLock { $0.units = units }
    PosixThread(name: "fake reactor") { [self] in
      while !stopped.load(ordering: .relaxed) {
        _ = port.lane(0).wakeup.wait(milliseconds: 1000)
        port.lane(0).wakeup.clear()
        takeAll()
      }
    }.detach()
  }

  /// The state once everything that was asked so far has been taken.
  func with<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
    takeAll()
    return change(body)
  }

  private func change<Answer: Sendable>(_ body: (inout State) -> Answer) -> Answer {
    state.withLock { body(&$0) }
  }

  /// Takes what was asked, in order: on the thread of its own, or before a test looks.
  private func takeAll() {
    taking.withLock { _ in
      while let command = port.lane(0).next() { take(command) }
    }
  }

  /// Logouts and commands that are not answered yet.
  var heldEndCount: Int { heldEnds.withLock { $0.count } }
  var unansweredCount: Int { unanswered.withLock { $0.count } }

  /// Answers the logouts and withdrawals that wait.
  func answerEnds() {
    let waiting = heldEnds.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for answer in waiting { answer() }
  }

  /// Ends the thread.
  func stop() {
    stopped.store(true, ordering: .relaxed)
    answerEnds()
    loseUnanswered()
    port.lane(0).wakeup.signal()
  }

  func send(_ event: ReactorEvent) {
    if case .sessionLost(let session, _, _) = event { change { _ = $0.away.insert(session) } }
    port.eventContinuation.yield(event)
  }

  /// The operation codes sent to a LUN, in order.
  func operationCodes(to lun: LogicalUnitNumber) -> [OperationCode] {
    with { $0.commands.filter { $0.lun == lun }.map(\.cdb.operationCode) }
  }

  private func take(_ command: ReactorCommand) {
    switch command {
    case .start(let session, let box):
      guard let handover = box.take() else { return }
      let timeouts = handover.timeouts
      change { $0.handedTimeouts = timeouts }
      started(session, isHeld: handover.isHeld)
    case .join(let session, let place, let box):
      guard let connectionID = box.take()?.connectionID else { return }
      change { $0.joined.append(Join(session: session, place: place, connectionID: connectionID)) }
    case .rejoin(let session, let box):
      guard let handover = box.take() else { return }
      change { $0.rejoined.append(session) }
      started(session, isHeld: handover.isHeld)
    case .closeConnection(_, _, let continuation): continuation.resume(returning: .notConnected)
    case .resume(let session): resumed(session)
    case .execute(let task, let continuation):
      if change({ $0.silent.contains(task.lun) }) {
        unanswered.withLock { $0.append(continuation) }
      } else {
        continuation.resume(returning: execute(task))
      }
    case .expose(let unit, let registration): exposed(unit, registration)
    case .withdraw(let unit, let error, let withdrawal):
      withdrawn(Withdrawal(unit: unit, error: error))
      if change({ $0.stuck.contains(unit) }) {
        heldEnds.withLock { $0.append { withdrawal.finish() } }
      } else {
        withdrawal.finish()
      }
    case .logout(let session, let continuation): logout(session, continuation)
    case .drop(let session): dropped(session)
    case .close(let session, _, let continuation):
      closed(session)
      continuation.resume()
    case .statistics(_, let continuation): continuation.resume(returning: change(\.numbers))
    case .queueDepth(_, let continuation): continuation.resume(returning: 32)
    case .capture(_, _, let continuation): continuation.resume(returning: nil)
    case .tasks(_, let continuation): continuation.resume(returning: change(\.tasks))
    case .manage(let request, let continuation):
      continuation.resume(returning: change { $0.manage(request) })
    case .ping(_, let continuation): continuation.resume(returning: change(\.ping))
    case .setTimeouts(_, let timeouts): change { $0.timeouts.append(timeouts) }
    case .interrupt, .suspect, .registerRing, .stop: break
    }
  }

  private func resumed(_ session: SessionHandle) {
    change { state in
      guard state.held.remove(session) != nil else { return }
      state.servedAtResume.append(Set(state.exposed.keys))
    }
  }

  private func started(_ session: SessionHandle, isHeld: Bool) {
    change { state in
      state.started.append(session)
      if isHeld { state.held.insert(session) } else { state.held.remove(session) }
      state.lost.remove(session)
      state.away.remove(session)
    }
  }

  private func exposed(_ unit: LogicalUnitHandle, _ registration: LogicalUnitRegistration) {
    change { state in
      state.exposed[unit] = registration
      state.exposures.append(unit)
    }
  }

  private func withdrawn(_ withdrawal: Withdrawal) {
    change { state in
      state.exposed[withdrawal.unit] = nil
      state.withdrawn.append(withdrawal)
    }
  }

  private func logout(
    _ session: SessionHandle, _ continuation: CheckedContinuation<SessionEnd, Never>
  ) {
    if change({ $0.ignoresLogout }) {
      heldEnds.withLock { $0.append { continuation.resume(returning: .unproven) } }
    } else {
      let isAway = change { state in
        state.loggedOut.append(session)
        return state.away.contains(session)
      }
      loseUnanswered()
      continuation.resume(returning: isAway ? .unproven : .proven)
    }
  }

  private func dropped(_ session: SessionHandle) {
    change { $0.dropped.append(session) }
    loseUnanswered()
  }

  private func closed(_ session: SessionHandle) {
    change { $0.closed.append(session) }
    loseUnanswered()
  }

  /// Commands without an answer end as with a lost session.
  func loseUnanswered() {
    let waiting = unanswered.withLock { waiting in
      defer { waiting = [] }
      return waiting
    }
    for continuation in waiting { continuation.resume(returning: .failure(.sessionLost)) }
  }

  private func execute(_ task: ControlTask) -> Result<ControlTask.Result, ControlTask.Failure> {
    change { state in
      state.commands.append(Command(session: task.session, lun: task.lun, cdb: task.cdb))
      guard !state.lost.contains(task.session) else { return .failure(.sessionLost) }
      if task.cdb.operationCode == .reportLUNs {
        if let refusal = state.reportLUNsRefusal {
          return .success(.check(.illegalRequest, refusal))
        }
        if let data = state.reportLUNsData {
          return .success(.good(Array(data.prefix(task.dataInCapacity))))
        }
        let listed = (Array(state.units.keys) + state.alsoListed).sorted {
          $0.rawValue < $1.rawValue
        }
        var bytes: [UInt8] = []
        bytes.appendBigEndian(UInt32((listed.count + state.unsentLUNs) * 8))
        state.unsentLUNs += state.unsentLUNsGrowth
        bytes.appendBigEndian(UInt32(0))
        for lun in listed { bytes.appendBigEndian(lun.rawValue) }
        return .success(.good(Array(bytes.prefix(task.dataInCapacity))))
      }
      guard var unit = state.units[task.lun] else {
        return .success(.check(.illegalRequest, .logicalUnitNotSupported))
      }
      defer { state.units[task.lun] = unit }
      return .success(unit.answer(task.cdb))
    }
  }
}
