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
  private static let offlineReason = "taken offline by a command; online ends that"

  /// It would have a file if there were room for another.
  var lacksPlace = false

  /// Why a call on its file got an error the last time, and how often for that cause.
  var failure: CommandFailure?
  var failures = Recurrence()

  /// Somebody took it offline.
  var isOffline = false

  /// As sysfs says.
  func state(isBlocked: Bool) -> String {
    if isOffline { return "offline" }
    // Also a disk that has no file because we cannot serve it.
    if probed.reason != nil { return "offline" }
    return isBlocked ? "blocked" : "running"
  }

  func snapshot(
    openCount: Int, timeoutSeconds: UInt64?, isBlocked: Bool, portals: [PortalSnapshot]
  ) -> LogicalUnitSnapshot {
    LogicalUnitSnapshot(
      lun: probed.description.logicalUnitNumber, handle: handle, description: probed.description,
      state: state(isBlocked: isBlocked), openCount: openCount,
      vitalProductDataPages: probed.pages, portals: portals,
      timeoutSeconds: timeoutSeconds,
      lastError: probed.reason ?? (isOffline ? Self.offlineReason : ""), lastFailure: failure)
  }
}
