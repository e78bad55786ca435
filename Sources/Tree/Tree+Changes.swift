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
    case .targetsChanged:
      await dropVanished { _ in true }
    case .logicalUnitsChanged(let target):
      let directory = SafeName.make(target)
      await dropVanished { path in
        path.components.first != RootDirectory.targets
          || (path.components.count > 1 && path.components[1] == directory)
      }
    }
  }

  /// Makes the kernel look up again every name it knows that is gone or leads elsewhere.
  private func dropVanished(where isConcerned: (TreePath) -> Bool) async {
    let known = nodes.withLock { $0.known }.filter { isConcerned($0.path) }
    let view = await view()
    for (node, path) in known {
      if let entry = view.entry(at: path), entry.unit.map({ $0.nodeID == node.rawValue }) ?? true {
        continue
      }
      let parent = nodes.withLock { $0.number(of: path.parent, unit: nil) }
      notifier.post(.name(path.lastName, in: parent))
    }
  }
}
