import ControlPlane
import FUSE
import Reactor
import Synchronization

/// What the kernel is told to forget.
extension Tree {
  /// Follows the control plane's changes until there are no more; run it in one task.
  package func followChanges() async {
    for await change in source.changes { await handle(change) }
  }

  /// Posts the notices that one change calls for.
  func handle(_ change: TreeChange) async {
    switch change {
    case .capacityChanged(let unit):
      notifier.post(.attributes(NodeNumber(rawValue: unit.nodeID), dropsPages: false))
    case .contentsChanged(let unit):
      notifier.post(.attributes(NodeNumber(rawValue: unit.nodeID), dropsPages: true))
    case .targetsChanged, .logicalUnitsChanged: _ = await view()
    }
  }

  /// Makes the kernel look up again names that are gone or lead elsewhere.
  ///
  /// It is told of names it was not given too: an answer that gives one may be on its way, and the
  /// kernel takes the notice behind it. What lies in a directory goes with it.
  func dropNames(_ places: [TreePath]) {
    guard !places.isEmpty else { return }
    let notices = nodes.withLock { nodes in
      places.compactMap { place -> KernelNotifier.Notice? in
        let parent = nodes.number(ofDirectory: place.parent)
        return nodes.isKnown(parent) ? .name(place.lastName, in: parent) : nil
      }
    }
    for notice in notices { notifier.post(notice) }
  }
}
