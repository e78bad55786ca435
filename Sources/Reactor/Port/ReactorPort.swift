import DequeModule
import LinuxIO
import Synchronization
package import SystemPackage

/// The one door between the control plane and a reactor.
///
/// Every method may be called from any thread or task; the reactor takes what was asked at the
/// start of its next turn, and one that has ended refuses it at once. What is refused
/// or lost comes back as the result of the call; what happens unasked comes as `events`. Nothing
/// here is on the I/O path.
package final class ReactorPort: Sendable {
  /// Commands that may wait for the reactor; control tasks beyond are refused as busy.
  static let commandCapacity = 512

  /// Nil once the reactor has ended.
  private let commands = Mutex<Deque<ReactorCommand>?>([])
  /// Wakes the reactor.
  let wakeup: EventDescriptor
  /// What happens unasked, in order; one reader.
  package let events: AsyncStream<ReactorEvent>
  let eventContinuation: AsyncStream<ReactorEvent>.Continuation

  package init() throws(Errno) {
    wakeup = try EventDescriptor()
    (events, eventContinuation) = AsyncStream.makeStream(
      of: ReactorEvent.self, bufferingPolicy: .bufferingNewest(4096))
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
    eventContinuation.finish()
  }

  /// Whether another control task may wait.
  var hasRoom: Bool { commands.withLock { $0.map { $0.count < Self.commandCapacity } ?? true } }
}
