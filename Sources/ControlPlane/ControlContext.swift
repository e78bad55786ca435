import Logging
import Reactor
import Records
import Synchronization

/// What the initiator and its targets share.
final class ControlContext: Sendable {
  let port: ReactorPort
  let environment: ControlEnvironment
  let logger: Logger
  let registry: HandleRegistry
  /// Who waits for a session's place in the registry.
  let sessionQueue = SessionQueue()
  let board: SnapshotBoard
  let changes: AsyncStream<TreeChange>.Continuation
  /// Tells who reads `events`.
  let events: EventBoard
  private let stored: Mutex<Stored>

  /// What logins are made with, and the configuration it was made of.
  private struct Stored {
    var settings: InitiatorSettings
    var configuration: Configuration
  }

  init(
    settings: InitiatorSettings, configuration: Configuration, port: ReactorPort,
    environment: ControlEnvironment, logger: Logger,
    changes: AsyncStream<TreeChange>.Continuation
  ) {
    self.port = port
    registry = HandleRegistry(lanes: port.lanes)
    self.environment = environment
    self.logger = logger
    self.changes = changes
    events = EventBoard(now: environment.wallTime)
    board = SnapshotBoard(initiatorName: settings.initiatorName)
    stored = Mutex(Stored(settings: settings, configuration: configuration))
  }

  /// The settings for what begins now.
  var settings: InitiatorSettings { stored.withLock { $0.settings } }

  /// The configuration they were made of.
  var configuration: Configuration { stored.withLock { $0.configuration } }

  /// Takes another configuration for what begins from now on.
  func configure(_ configuration: Configuration) throws(ControlError) {
    let settings = try settings.remade(of: configuration)
    stored.withLock { $0 = Stored(settings: settings, configuration: configuration) }
  }

  var clock: any Clock<Duration> { environment.clock }

  func setInitiatorName(_ name: String) {
    stored.withLock { $0.settings.initiatorName = name }
    board.setInitiatorName(name)
  }

  /// Gives a session's place back, and to whoever waits for one.
  func release(_ session: SessionHandle) {
    registry.release(session)
    sessionQueue.advance()
  }

  /// The same for a place that no session was started in.
  func giveBack(unused session: SessionHandle) {
    registry.giveBack(unused: session)
    sessionQueue.advance()
  }

  /// Waits for `operation`, at most `limit`; false when it had not ended by then.
  ///
  /// An operation that is given up goes on by itself: it must be one that ends.
  func bounded(_ limit: Duration, _ operation: @escaping @Sendable () async -> Void) async -> Bool {
    let outcome = FirstOutcome()
    let clock = clock
    let timer = Task {
      do { try await clock.sleep(for: limit) } catch { return }
      outcome.finish(false)
    }
    Task {
      await operation()
      outcome.finish(true)
    }
    let isDone = await outcome.value
    timer.cancel()
    return isDone
  }
}
