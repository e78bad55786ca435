import Reactor
import Synchronization

/// The numbers of sessions and LUN files, and which target has which.
final class HandleRegistry: Sendable {
  /// Sessions at once.
  static let sessionCapacity = IOLimits().sessions
  /// LUN files at once.
  static let logicalUnitCapacity = IOLimits().logicalUnits

  private struct State {
    var sessions = HandleTable(capacity: HandleRegistry.sessionCapacity)
    var logicalUnits = HandleTable(capacity: HandleRegistry.logicalUnitCapacity)
    var nextSessionNumber = 1
  }

  private let state = Mutex(State())

  /// A handle and a directory number for a new session of `owner`; nil when there is no room.
  func makeSession(for owner: String) -> (handle: SessionHandle, number: Int)? {
    state.withLock { state in
      guard let place = state.sessions.lend(to: owner) else { return nil }
      defer { state.nextSessionNumber += 1 }
      let handle = SessionHandle(index: place.index, generation: place.generation)
      return (handle, state.nextSessionNumber)
    }
  }

  func release(_ session: SessionHandle) {
    state.withLock { $0.sessions.release(index: session.index, generation: session.generation) }
  }

  /// The directory name of the session's target.
  func owner(of session: SessionHandle) -> String? {
    state.withLock { $0.sessions.owner(index: session.index, generation: session.generation) }
  }

  /// A handle for a LUN file of `owner`; nil when there is no room.
  func makeLogicalUnit(for owner: String) -> LogicalUnitHandle? {
    state.withLock { state in
      state.logicalUnits.lend(to: owner).map {
        LogicalUnitHandle(index: $0.index, generation: $0.generation)
      }
    }
  }

  func release(_ unit: LogicalUnitHandle) {
    state.withLock { $0.logicalUnits.release(index: unit.index, generation: unit.generation) }
  }

  /// The directory name of the LUN file's target.
  func owner(of unit: LogicalUnitHandle) -> String? {
    state.withLock { $0.logicalUnits.owner(index: unit.index, generation: unit.generation) }
  }

  /// True when the handle named a file that is gone for good.
  func isStale(_ unit: LogicalUnitHandle) -> Bool {
    state.withLock { $0.logicalUnits.isStale(index: unit.index, generation: unit.generation) }
  }
}
