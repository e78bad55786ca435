import ControlPlane

/// The mount point.
struct RootDirectory: TreeDirectory {
  let view: TreeView

  static let targets = "targets"
  static let byID = "by-id"
  static let byPath = "by-path"

  let names = [
    "control", "status", "events", "metrics", "version", "initiatorname", "config", "last_error",
    targets, byID, byPath,
  ]

  func entry(named name: String) -> TreeEntry? {
    let snapshot = view.snapshot
    switch name {
    case "control":
      return .control(
        ControlFile(scope: .root, permissions: 0o600, usage: CommandGrammar.rootUsage))
    case "status":
      let channel = view.channel
      return .attribute(
        AttributeFile(
          content: .report { [UInt8](StatusTable.text(of: snapshot, channel: channel).utf8) }))
    case "events": return .stream(StreamFile(permissions: 0o444, source: .events))
    case "metrics": return .attribute(AttributeFile(content: .metrics))
    case "version": return .attribute(.text(view.version))
    case "initiatorname":
      var file = AttributeFile.text(Rendering.line(snapshot.initiatorName))
      file.permissions = 0o644
      file.writes = .initiatorName
      return .attribute(file)
    case "config": return .attribute(.configuration(target: nil))
    case "last_error": return .attribute(.text(Rendering.line(view.rootLastError)))
    case Self.targets: return .directory(TargetsDirectory(view: view))
    case Self.byID: return .directory(LinkDirectory(links: view.links, kind: .byID))
    case Self.byPath: return .directory(LinkDirectory(links: view.links, kind: .byPath))
    default: return nil
    }
  }
}
