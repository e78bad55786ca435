import ControlPlane
import SCSI

/// `lun<N>.info/`, with the names of sysfs.
struct InformationDirectory: TreeDirectory {
  private static let pages = "vpd"
  private static let control = "control"
  private static let timeout = "timeout"

  let target: String
  let unit: LogicalUnitSnapshot

  var names: [String] {
    Rendering.information.names(of: unit) + [Self.control]
      + (unit.vitalProductDataPages.isEmpty ? [] : [Self.pages])
  }

  func entry(named name: String) -> TreeEntry? {
    if name == Self.control {
      let scope = ControlFile.Scope.logicalUnit(target: target, unit.lun)
      return .control(ControlFile(scope: scope, permissions: 0o200, usage: ""))
    }
    if name == Self.pages {
      guard !unit.vitalProductDataPages.isEmpty else { return nil }
      return .directory(PagesDirectory(pages: unit.vitalProductDataPages))
    }
    guard var file = Rendering.information.file(named: name, of: unit) else { return nil }
    if name == Self.timeout {
      file.permissions = 0o644
      file.writes = .logicalUnitTimeout(target: target, unit.lun)
    }
    return .attribute(file)
  }
}

/// `vpd/`: the pages as the target sent them, `pg` and two digits each.
struct PagesDirectory: TreeDirectory {
  let pages: [VitalProductDataPageBytes]

  var names: [String] { pages.map(Self.name) }

  func entry(named name: String) -> TreeEntry? {
    pages.first { Self.name(of: $0) == name }.map { .attribute(.bytes($0.bytes)) }
  }

  /// The kernel's spelling: `vpd_pgb0` is lower case.
  private static func name(of page: VitalProductDataPageBytes) -> String {
    "pg" + page.code.hexadecimal.lowercased()
  }
}
