import Synchronization

/// The snapshot everybody reads; targets write their parts as they change.
///
/// Reading never waits for a target that is busy.
final class SnapshotBoard: Sendable {
  private let snapshot: Mutex<InitiatorSnapshot>

  init(initiatorName: String) {
    snapshot = Mutex(InitiatorSnapshot(initiatorName: initiatorName, targets: [], revision: 0))
  }

  var current: InitiatorSnapshot { snapshot.withLock { $0 } }

  func setInitiatorName(_ name: String) {
    snapshot.withLock { snapshot in
      snapshot.initiatorName = name
      snapshot.revision += 1
    }
  }

  /// Puts a target's part in its place, which its directory name gives.
  func put(_ target: TargetSnapshot) {
    snapshot.withLock { snapshot in
      guard snapshot.targets[target.key] != target else { return }
      snapshot.targets.put(target)
      snapshot.revision += 1
    }
  }

  func remove(_ directoryName: String) {
    snapshot.withLock { snapshot in
      snapshot.targets[directoryName] = nil
      snapshot.revision += 1
    }
  }
}
