import ControlPlane
import SCSI

/// What is found by name across all targets, made once a revision of the snapshot.
///
/// With ten thousand targets a lookup must not walk them all.
struct TreeLinks: Sendable {
  /// Directory names of the targets, with their positions in the snapshot.
  private(set) var targets = OrderedNames<Int>()
  /// World wide names, with the path of the preferred LUN file from `by-id/`.
  private(set) var byID = OrderedNames<String>()
  /// udev's names of paths, with the LUN file's path from `by-path/`.
  private(set) var byPath = OrderedNames<String>()

  init(_ snapshot: InitiatorSnapshot) {
    var offline: [(String, String)] = []
    for (index, target) in snapshot.targets.enumerated() {
      guard let directory = SafeName.make(target.directoryName) else { continue }
      targets.append(directory, index)
      for unit in target.logicalUnits where unit.handle != nil {
        let file = TargetDirectory.fileName(of: unit.lun)
        let path = "../\(RootDirectory.targets)/\(directory)/\(file)"
        for portal in unit.portals {
          let name =
            "ip-\(portal.address):\(portal.port)-iscsi-\(directory)-lun-\(unit.lun.name)"
          if let name = SafeName.make(name) { byPath.append(name, path) }
        }
        guard let identity = Rendering.worldWideName(of: unit),
          let name = SafeName.make(identity, isSplitSafe: true)
        else { continue }
        if unit.state == Rendering.runningState, target.state == .loggedIn {
          byID.append(name, path)
        } else {
          offline.append((name, path))
        }
      }
    }
    // Of several paths to one unit the first that works is preferred.
    for (name, path) in offline { byID.append(name, path) }
  }
}
