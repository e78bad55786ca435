import ControlPlane

/// `targets/`: one directory a target.
struct TargetsDirectory: TreeDirectory {
  let view: TreeView

  var names: [String] { view.links.targets.names }

  func entry(named name: String) -> TreeEntry? {
    guard let index = view.links.targets.index(of: name) else { return nil }
    return .directory(TargetDirectory(target: view.snapshot.targets[index], name: name))
  }
}
