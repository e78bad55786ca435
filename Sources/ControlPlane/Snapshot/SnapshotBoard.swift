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
      let index =
        snapshot.targets.firstIndex { $0.directoryName >= target.directoryName }
        ?? snapshot.targets.count
      if index < snapshot.targets.count,
        snapshot.targets[index].directoryName == target.directoryName
      {
        guard snapshot.targets[index] != target else { return }
        snapshot.targets[index] = target
      } else {
        snapshot.targets.insert(target, at: index)
      }
      snapshot.revision += 1
    }
  }

  func remove(_ directoryName: String) {
    snapshot.withLock { snapshot in
      snapshot.targets.removeAll { $0.directoryName == directoryName }
      snapshot.revision += 1
    }
  }
}
