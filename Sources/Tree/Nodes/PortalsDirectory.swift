import ControlPlane

/// `portals/`: one directory a portal.
struct PortalsDirectory: TreeDirectory {
  let portals: [PortalSnapshot]

  var names: [String] { portals.compactMap { SafeName.make($0.directoryName) } }

  func entry(named name: String) -> TreeEntry? {
    portals.first { SafeName.make($0.directoryName) == name }
      .map { .directory(PortalDirectory(portal: $0)) }
  }
}

/// `portals/<addr>,<port>,<tpgt>/`.
struct PortalDirectory: TreeDirectory {
  let portal: PortalSnapshot

  private static let attributes = AttributeTable<PortalSnapshot>([
    ("state", { .text($0.state.rawValue) }),
    ("last_error", { .text(Rendering.line($0.lastError)) }),
  ])

  var names: [String] { Self.attributes.names }

  func entry(named name: String) -> TreeEntry? {
    Self.attributes.file(named: name, of: portal).map { .attribute($0) }
  }
}
