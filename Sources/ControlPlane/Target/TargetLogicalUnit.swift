import LogicalUnit
import Reactor
import SCSI

/// One logical unit of a target that has a place in the tree.
struct TargetLogicalUnit {
  var probed: ProbedLogicalUnit
  /// The data file's, where there is one.
  var handle: LogicalUnitHandle?
  /// What the reactor serves the file with, where it does.
  var registration: LogicalUnitRegistration?
  /// It would have a file if there were room for another.
  var lacksPlace = false

  /// As sysfs says.
  func state(isBlocked: Bool) -> String {
    // Also a disk that has no file because we cannot serve it.
    if probed.reason != nil { return "offline" }
    return isBlocked ? "blocked" : "running"
  }

  func snapshot(
    openCount: Int, isBlocked: Bool, portals: [PortalSnapshot]
  ) -> LogicalUnitSnapshot {
    LogicalUnitSnapshot(
      lun: probed.description.logicalUnitNumber, handle: handle, description: probed.description,
      state: state(isBlocked: isBlocked), openCount: openCount,
      vitalProductDataPages: probed.pages, portals: portals,
      lastError: probed.reason ?? "")
  }
}
