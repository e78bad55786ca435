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
    ("state", { .text(Rendering.state(of: $0)) }),
    ("last_error", { .text(Rendering.line($0.lastError)) }),
    ("config", { .configuration(target: $0.directoryName) }),
    (
      "login_log",
      { AttributeFile(permissions: 0o400, content: .loginLog($0.directoryName)) }
    ),
  ])

  var names: [String] {
    var names = ["control"] + Self.attributes.names + [Self.portals, Self.sessions]
    for unit in target.logicalUnits {
      let file = Self.fileName(of: unit.lun)
      if unit.handle != nil { names.append(file) }
      names.append(Self.informationName(of: unit.lun))
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

  /// `lun<N>.info`.
  static func informationName(of lun: LogicalUnitNumber) -> String {
    fileName(of: lun) + informationSuffix
  }

  private func logicalUnitEntry(named name: String) -> TreeEntry? {
    guard name.hasPrefix("lun") else { return nil }
    let isInformation = name.hasSuffix(Self.informationSuffix)
    let number = name.dropFirst(3).dropLast(isInformation ? Self.informationSuffix.count : 0)
    // Numbers have one spelling each: "lun01" is no file.
    guard let lun = LogicalUnitNumber(name: String(number)),
      let unit = lun.namesakes.lazy.compactMap({ target.logicalUnits[$0.rawValue] }).first
    else { return nil }
    if isInformation {
      return .directory(
        InformationDirectory(target: target.directoryName, unit: unit))
    }
    return Rendering.file(of: unit).map { .logicalUnit($0) }
  }
}

extension LogicalUnitNumber {
  /// The LUNs that are called as this one is, itself first: below 256 two forms have one name.
  fileprivate var namesakes: [LogicalUnitNumber] {
    guard let number, number < 256 else { return [self] }
    return [self, LogicalUnitNumber(rawValue: UInt64(0x4000 | number) << 48)]
  }
}
