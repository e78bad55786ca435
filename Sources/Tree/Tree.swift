package import ControlPlane
package import FUSE
import Reactor
import Synchronization
import SystemPackage

/// The mounted tree: what the kernel asks, answered from the control plane's snapshots.
///
/// Names and values come from one snapshot a request; only the nodes the kernel knows, what is open
/// and the last command's outcome are kept here. Bytes of LUN files never pass.
package final class Tree: Sendable {
  /// How long the kernel may use a name without asking: a missed invalidation heals itself.
  static let nameSeconds = 60.0
  /// How long it may use attributes that only change with a notice.
  static let attributeSeconds = 3600.0
  /// Both, for what lies below `sessions/`, `portals/` and `lun<N>.info/`: it changes without a
  /// notice.
  static let detailSeconds = 1.0

  let source: any TreeSource
  let options: TreeOptions
  let notifier: KernelNotifier
  let nodes = Mutex(NodeTable())
  let files = Mutex(OpenFileTable())
  let lastError = Mutex("0 SUCCESS")
  let links = TreeLinks()
  /// Reads of streams under way: those that wait are requests the mount has only so many of.
  let streamReads = Atomic(0)
  static let streamReadLimit = 64

  package init(source: any TreeSource, options: TreeOptions, notifier: KernelNotifier) {
    self.source = source
    self.options = options
    self.notifier = notifier
  }

  /// The tree at this moment; what it no longer has the kernel is told to forget.
  func view() async -> TreeView {
    let snapshot = await source.snapshot()
    dropNames(links.update(to: snapshot))
    return TreeView(
      snapshot: snapshot, links: links, channel: source.channel, version: options.version,
      rootLastError: lastError.withLock { $0 })
  }

  /// A known node's path and what lies there now.
  ///
  /// ESTALE for a number the kernel should not have, or a LUN file that has become another; ENOENT
  /// for what is gone.
  func resolve(_ node: NodeNumber) async throws(Errno) -> (path: TreePath, entry: TreeEntry) {
    guard let path = nodes.withLock({ $0.path(of: node) }) else {
      throw .staleNFSFileHandle
    }
    guard let entry = await view().entry(at: path), await isThere(entry) else {
      throw .noSuchFileOrDirectory
    }
    if case .logicalUnit(let file) = entry, file.handle.nodeID != node.rawValue {
      throw .staleNFSFileHandle
    }
    return (path, entry)
  }
}
