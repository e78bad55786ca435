import ControlPlane
import SCSI
import Synchronization

/// What is found by name across all targets, kept up to date with the snapshots.
///
/// Bringing it up to date costs what has changed: with ten thousand targets neither a lookup nor a
/// change of one may walk them all.
final class TreeLinks: Sendable {
  /// The two directories of links.
  enum Kind: Sendable {
    /// World wide names, with the preferred of the LUN files behind each.
    case byID
    /// udev's names of paths.
    case byPath
  }

  private struct State: Sendable {
    var revision: UInt64?
    var targets = SnapshotList<TargetSnapshot>()
    var byID = LinkNames()
    var byPath = LinkNames()
    /// Directory names of targets by the safe names they are shown under, where these differ.
    var escaped: [String: String] = [:]
    /// Units looked at so far, for the tests: what the updates have cost.
    var work = 0
  }

  private let state = Mutex(State())

  /// The names of one directory, sorted.
  func names(_ kind: Kind) -> [String] {
    state.withLock { state in
      switch kind {
      case .byID: state.byID.sortedNames()
      case .byPath: state.byPath.sortedNames()
      }
    }
  }

  /// Where a name leads, seen from its directory.
  func target(of name: String, _ kind: Kind) -> String? {
    let preferred = state.withLock { state in
      switch kind {
      case .byID: state.byID[name]
      case .byPath: state.byPath[name]
      }
    }
    return preferred?.path
  }

  /// The directory name of the target that is shown under another one.
  func directoryName(shownAs name: String) -> String? { state.withLock { $0.escaped[name] } }

  var work: Int { state.withLock { $0.work } }

  /// Takes what a snapshot has new, and returns the places the kernel must not believe in any
  /// longer. An old snapshot changes nothing.
  func update(to snapshot: InitiatorSnapshot) -> [TreePath] {
    state.withLock { state in
      guard state.revision.map({ $0 < snapshot.revision }) ?? true else { return [] }
      var update = LinkUpdate(byID: state.byID, byPath: state.byPath, escaped: state.escaped)
      (state.byID, state.byPath, state.escaped) = (LinkNames(), LinkNames(), [:])
      snapshot.targets.forEachChange(since: state.targets) { before, after in
        update.change(before, after)
        return true
      }
      (state.byID, state.byPath, state.escaped) = (update.byID, update.byPath, update.escaped)
      state.work += update.work
      state.targets = snapshot.targets
      state.revision = snapshot.revision
      return update.vanished
    }
  }
}
