import ControlPlane
import FUSE

/// `targets/`: one directory a target.
struct TargetsDirectory: TreeDirectory {
  let view: TreeView

  var names: [String] { view.snapshot.targets.compactMap { SafeName.make($0.directoryName) } }

  var listing: [TreeListing] { names.map { TreeListing(name: $0, kind: .directory) } }

  func entry(named name: String) -> TreeEntry? {
    let key = SafeName.isSafe(name) ? name : nil
    guard
      let target = key.flatMap({ view.snapshot.targets[$0] })
        ?? view.links.directoryName(shownAs: name).flatMap({ view.snapshot.targets[$0] })
    else { return nil }
    return .directory(TargetDirectory(target: target, name: name))
  }
}
