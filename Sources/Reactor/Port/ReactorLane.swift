import DequeModule
import LinuxIO
import Synchronization
import SystemPackage

/// One reactor's side of the door: what it was asked and has not taken, and what wakes it.
final class ReactorLane: Sendable {
  /// Nil once the reactor has ended.
  private let commands = Mutex<Deque<ReactorCommand>?>([])
  let wakeup: EventDescriptor
  /// The reactor's sessions that carry LUNs' commands, one bit each, for the other reactors.
  let servingSessions = Atomic<UInt64>(0)
  /// Lets as many control tasks through as the reactor has slots for; the rest wait their turn.
  let controlGate: ControlGate

  init(limits: IOLimits) throws(Errno) {
    controlGate = ControlGate(capacity: limits.controlSlots)
    wakeup = try EventDescriptor()
  }

  /// Queues a command and wakes the reactor; one that has ended answers at once.
  func submit(_ command: ReactorCommand) {
    let isTaken = commands.withLock { $0?.append(command) } != nil
    guard isTaken else { return command.refuse() }
    wakeup.signal()
  }

  /// The oldest command not taken yet; the reactor's thread only.
  func next() -> ReactorCommand? {
    commands.withLock { $0?.popFirst() }
  }

  /// The reactor has ended: answers what it has not taken, and from now on whatever comes.
  func close() {
    let untaken = commands.withLock { $0.take() }
    for command in untaken ?? [] { command.refuse() }
  }
}
