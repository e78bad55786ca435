import ISCSI

/// A portal of a target, and how the last login there ended.
struct TargetPortal {
  let portal: Portal
  /// Where a permanent redirection sent us, while the program runs.
  var movedTo: Portal?
  var lastError: ControlError?

  /// Where to log in.
  var destination: Portal { movedTo ?? portal }

  func snapshot(state: TargetSnapshot.State) -> PortalSnapshot {
    PortalSnapshot(
      address: portal.host, port: portal.port,
      targetPortalGroupTag: portal.targetPortalGroupTag ?? 1, state: state,
      lastError: lastError?.line ?? ControlError.successLine)
  }
}
