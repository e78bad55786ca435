import ControlPlane
import SCSI

/// `targets/<iqn>/`.
struct TargetDirectory: TreeDirectory {
  private static let portals = "portals"
  private static let sessions = "sessions"
  private static let informationSuffix = ".info"

  let target: TargetSnapshot
  /// The directory's own name, already safe.
  let name: String

  private static let attributes = AttributeTable<TargetSnapshot>([
    ("state", { .text($0.state.rawValue) }),
    ("last_error", { .text(Rendering.line($0.lastError)) }),
  ])

  var names: [String] {
    var names = ["control"] + Self.attributes.names + [Self.portals, Self.sessions]
    for unit in target.logicalUnits {
      let file = Self.fileName(of: unit.lun)
      if unit.handle != nil { names.append(file) }
      names.append(file + Self.informationSuffix)
    }
    return names
  }

  func entry(named name: String) -> TreeEntry? {
    switch name {
    case "control":
      return .control(
        ControlFile(
          scope: .target(target.directoryName), permissions: 0o600,
          usage: CommandGrammar.targetUsage))
    case Self.portals: return .directory(PortalsDirectory(portals: target.portals))
    case Self.sessions: return .directory(SessionsDirectory(target: target))
    default:
      if let file = Self.attributes.file(named: name, of: target) { return .attribute(file) }
      return logicalUnitEntry(named: name)
    }
  }

  /// `lun<N>` as the tree calls a LUN's file.
  static func fileName(of lun: LogicalUnitNumber) -> String { "lun" + lun.name }

  private func logicalUnitEntry(named name: String) -> TreeEntry? {
    guard name.hasPrefix("lun") else { return nil }
    let isInformation = name.hasSuffix(Self.informationSuffix)
    let number = name.dropFirst(3).dropLast(isInformation ? Self.informationSuffix.count : 0)
    // Numbers have one spelling each: "lun01" is no file.
    guard let unit = target.logicalUnits.first(where: { $0.lun.name == number }) else {
      return nil
    }
    if isInformation { return .directory(InformationDirectory(unit: unit)) }
    return Rendering.file(of: unit).map { .logicalUnit($0) }
  }
}
