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
      for unit in after.logicalUnits {
        if let former = old[unit.lun.rawValue] {
          relink((former, wasUp), (unit, isUp), directory)
        } else {
          link(unit, directory, isUp: isUp)
        }
      }
      for unit in old where new[unit.lun.rawValue] == nil {
        unlink(unit, directory, isUp: wasUp)
      }
      new.forEachChange(since: old) { note($0, $1, directory) }
    } else {
      new.forEachChange(since: old) { before, after in
        if let before, let after, before.hasSameLinks(as: after) { return true }
        switch (before, after) {
        case (let before?, let after?): relink((before, wasUp), (after, isUp), directory)
        case (nil, let after?): link(after, directory, isUp: isUp)
        case (let before?, nil): unlink(before, directory, isUp: wasUp)
        case (nil, nil): break
        }
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
    linkPaths(of: unit, directory)
    guard let name = Self.identityName(of: unit) else { return }
    byID.insert(name, Self.identity(of: unit, directory, isUp: isUp))
  }

  private mutating func linkPaths(of unit: LogicalUnitSnapshot, _ directory: String) {
    for name in Self.pathNames(of: unit, directory) {
      byPath.insert(
        name, LinkNames.Candidate(isPreferred: true, directory: directory, lun: unit.lun))
    }
  }

  private mutating func unlinkPaths(of unit: LogicalUnitSnapshot, _ directory: String) {
    for name in Self.pathNames(of: unit, directory) {
      byPath.remove(
        name, LinkNames.Candidate(isPreferred: true, directory: directory, lun: unit.lun))
      loose.byPath.insert(name)
    }
  }

  /// Takes a unit's change: a name it keeps is not offered to others in between.
  private mutating func relink(
    _ before: (unit: LogicalUnitSnapshot, isUp: Bool),
    _ after: (unit: LogicalUnitSnapshot, isUp: Bool), _ directory: String
  ) {
    guard let name = Self.identityName(of: before.unit),
      name == Self.identityName(of: after.unit)
    else {
      link(after.unit, directory, isUp: after.isUp)
      return unlink(before.unit, directory, isUp: before.isUp)
    }
    work += 2
    linkPaths(of: after.unit, directory)
    unlinkPaths(of: before.unit, directory)
    byID.replace(
      name, Self.identity(of: before.unit, directory, isUp: before.isUp),
      with: Self.identity(of: after.unit, directory, isUp: after.isUp))
  }

  private mutating func unlink(_ unit: LogicalUnitSnapshot, _ directory: String, isUp: Bool) {
    work += 1
    unlinkPaths(of: unit, directory)
    guard let name = Self.identityName(of: unit) else { return }
    byID.remove(name, Self.identity(of: unit, directory, isUp: isUp))
    loose.byID.insert(name)
  }

  private static func pathNames(of unit: LogicalUnitSnapshot, _ directory: String) -> [String] {
    guard unit.handle != nil else { return [] }
    return unit.portals.compactMap { portal in
      SafeName.make(
        "ip-\(portal.address):\(portal.port)-iscsi-\(directory)-lun-\(unit.lun.name)")
    }
  }

  private static func identityName(of unit: LogicalUnitSnapshot) -> String? {
    guard unit.handle != nil else { return nil }
    return Rendering.worldWideName(of: unit).flatMap { SafeName.make($0, isSplitSafe: true) }
  }

  private static func identity(
    of unit: LogicalUnitSnapshot, _ directory: String, isUp: Bool
  ) -> LinkNames.Candidate {
    LinkNames.Candidate(
      isPreferred: isUp && unit.state == Rendering.runningState, directory: directory,
      lun: unit.lun,
      identity: LinkNames.Identity(
        serial: unit.description.unitSerialNumber?.text, capacity: unit.description.capacity))
  }
}

extension LogicalUnitSnapshot {
  /// Whether the links to both are the same: how often a file is open changes more often.
  fileprivate func hasSameLinks(as other: LogicalUnitSnapshot) -> Bool {
    handle == other.handle && state == other.state && portals == other.portals
      && description.deviceIdentification == other.description.deviceIdentification
      && description.unitSerialNumber == other.description.unitSerialNumber
      && description.capacity == other.description.capacity
  }
}
