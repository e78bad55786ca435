import Reactor
import Synchronization

/// The numbers of sessions and LUN files, and which target has which.
final class HandleRegistry: Sendable {
  /// Sessions at once on one reactor.
  static let sessionCapacity = IOLimits().sessions
  /// LUN files at once.
  static let logicalUnitCapacity = IOLimits().logicalUnits

  private struct State {
    /// One table a reactor.
    var sessions: [HandleTable]
    var logicalUnits = HandleTable(capacity: HandleRegistry.logicalUnitCapacity)
    var nextSessionNumber = 1
  }

  private let lanes: Lanes
  private let state: Mutex<State>

  /// - Parameter lanes: the reactors that share the sessions.
  init(lanes: Lanes) {
    self.lanes = lanes
    let table = HandleTable(capacity: Self.sessionCapacity)
    state = Mutex(State(sessions: Array(repeating: table, count: lanes.count)))
  }

  /// A handle and a directory number for a new session of `owner`; nil when there is no room.
  ///
  /// - Parameter position: which of its owner's sessions it is: they go around the reactors.
  func makeSession(
    for owner: String, position: Int
  ) -> (handle: SessionHandle, number: Int)? {
    state.withLock { state in
      for offset in 0..<lanes.count {
        let lane = lanes.lane(of: position + offset)
        guard let place = state.sessions[lane].lend(to: owner) else { continue }
        defer { state.nextSessionNumber += 1 }
        let handle = SessionHandle(
          index: UInt16(lanes.number(place: Int(place.index), lane: lane)),
          generation: place.generation)
        return (handle, state.nextSessionNumber)
      }
      return nil
    }
  }

  /// A place for a further connection of a session: any that a session of the same reactor could
  /// have; nil when there is none.
  func makeConnection(of session: SessionHandle, for owner: String) -> SessionHandle? {
    let lane = lanes.lane(of: Int(session.index))
    return state.withLock { state in
      state.sessions[lane].lend(to: owner).map { place in
        SessionHandle(
          index: UInt16(lanes.number(place: Int(place.index), lane: lane)),
          generation: place.generation)
      }
    }
  }

  /// Sessions at once on all reactors.
  var sessionCount: Int { Self.sessionCapacity * lanes.count }

  /// Whether a session would find room now.
  var hasSessionPlace: Bool { state.withLock { $0.sessions.contains(where: \.hasRoom) } }

  func release(_ session: SessionHandle) {
    let (lane, place) = position(of: session)
    state.withLock { state in
      state.sessions[lane].release(index: place, generation: session.generation)
    }
  }

  /// The same for a place that no session was started in: a login that fails uses nothing up.
  func giveBack(unused session: SessionHandle) {
    let (lane, place) = position(of: session)
    state.withLock { state in
      state.sessions[lane].giveBack(unused: place, generation: session.generation)
    }
  }

  /// The directory name of the session's target.
  func owner(of session: SessionHandle) -> String? {
    let (lane, place) = position(of: session)
    return state.withLock { state in
      state.sessions[lane].owner(index: place, generation: session.generation)
    }
  }

  private func position(of session: SessionHandle) -> (lane: Int, place: UInt16) {
    let number = Int(session.index)
    return (lanes.lane(of: number), UInt16(lanes.place(of: number)))
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
