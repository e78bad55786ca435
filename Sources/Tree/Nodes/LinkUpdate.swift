import ControlPlane
import LogicalUnit
import SCSI

/// The step of `TreeLinks` from one snapshot to the next.
struct LinkUpdate {
  var byID: LinkNames
  var byPath: LinkNames
  var escaped: [String: String]
  /// Units looked at.
  private(set) var work = 0
  private var places: [TreePath] = []
  /// Names of links that lost a candidate: gone if they got no other.
  private var loose: (byID: Set<String>, byPath: Set<String>) = ([], [])

  init(byID: LinkNames, byPath: LinkNames, escaped: [String: String]) {
    (self.byID, self.byPath, self.escaped) = (byID, byPath, escaped)
  }

  /// The places that are gone or lead to something else now.
  var vanished: [TreePath] {
    places
      + loose.byID.filter { byID[$0] == nil }
      .map { TreePath(components: [RootDirectory.byID, $0]) }
      + loose.byPath.filter { byPath[$0] == nil }
      .map { TreePath(components: [RootDirectory.byPath, $0]) }
  }

  /// Takes the change of one target: from nil where it came, to nil where it went.
  mutating func change(_ before: TargetSnapshot?, _ after: TargetSnapshot?) {
    guard let name = (before ?? after)?.directoryName, let directory = SafeName.make(name) else {
      return
    }
    if directory != name, before == nil { escaped[directory] = name }
    if after == nil {
      if directory != name { escaped[directory] = nil }
      places.append(TreePath(components: [RootDirectory.targets, directory]))
    }
    let old = before?.logicalUnits ?? []
    let new = after?.logicalUnits ?? []
    let wasUp = before?.state == .loggedIn
    let isUp = after?.state == .loggedIn
    let isGone = after == nil
    if let after, before != nil, wasUp != isUp {
      // The same units; whether their paths work is what changed.
      for unit in old { unlink(unit, directory, isUp: wasUp) }
      for unit in after.logicalUnits { link(unit, directory, isUp: isUp) }
      new.forEachChange(since: old) { note($0, $1, directory) }
    } else {
      new.forEachChange(since: old) { before, after in
        if let before, let after, before.hasSameLinks(as: after) { return true }
        if let before { unlink(before, directory, isUp: wasUp) }
        if let after { link(after, directory, isUp: isUp) }
        // What lay in a directory goes with it.
        return isGone || note(before, after, directory)
      }
    }
  }

  /// Notes the files that went with a unit.
  private mutating func note(
    _ before: LogicalUnitSnapshot?, _ after: LogicalUnitSnapshot?, _ directory: String
  ) -> Bool {
    guard let before else { return true }
    let file = TargetDirectory.fileName(of: before.lun)
    if before.handle != nil, before.handle != after?.handle {
      places.append(TreePath(components: [RootDirectory.targets, directory, file]))
    }
    if after == nil {
      places.append(
        TreePath(components: [
          RootDirectory.targets, directory, TargetDirectory.informationName(of: before.lun),
        ]))
    }
    return true
  }

  private mutating func link(_ unit: LogicalUnitSnapshot, _ directory: String, isUp: Bool) {
    work += 1
    guard unit.handle != nil else { return }
    for name in Self.pathNames(of: unit, directory) {
      byPath.insert(
        name, LinkNames.Candidate(isPreferred: true, directory: directory, lun: unit.lun))
    }
    guard let name = Self.identityName(of: unit) else { return }
    byID.insert(name, Self.identity(of: unit, directory, isUp: isUp))
  }

  private mutating func unlink(_ unit: LogicalUnitSnapshot, _ directory: String, isUp: Bool) {
    work += 1
    guard unit.handle != nil else { return }
    for name in Self.pathNames(of: unit, directory) {
      byPath.remove(
        name, LinkNames.Candidate(isPreferred: true, directory: directory, lun: unit.lun))
      loose.byPath.insert(name)
    }
    guard let name = Self.identityName(of: unit) else { return }
    byID.remove(name, Self.identity(of: unit, directory, isUp: isUp))
    loose.byID.insert(name)
  }

  private static func pathNames(of unit: LogicalUnitSnapshot, _ directory: String) -> [String] {
    unit.portals.compactMap { portal in
      SafeName.make(
        "ip-\(portal.address):\(portal.port)-iscsi-\(directory)-lun-\(unit.lun.name)")
    }
  }

  private static func identityName(of unit: LogicalUnitSnapshot) -> String? {
    Rendering.worldWideName(of: unit).flatMap { SafeName.make($0, isSplitSafe: true) }
  }

  private static func identity(
    of unit: LogicalUnitSnapshot, _ directory: String, isUp: Bool
  ) -> LinkNames.Candidate {
    LinkNames.Candidate(
      isPreferred: isUp && unit.state == Rendering.runningState, directory: directory,
      lun: unit.lun)
  }
}

extension LogicalUnitSnapshot {
  /// Whether the links to both are the same: how often a file is open changes more often.
  fileprivate func hasSameLinks(as other: LogicalUnitSnapshot) -> Bool {
    handle == other.handle && state == other.state && portals == other.portals
      && description.deviceIdentification == other.description.deviceIdentification
  }
}
