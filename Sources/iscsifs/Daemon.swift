/// Runs the daemon of a mount until it is unmounted or told to end.
///
/// The caller has checked the plan. The callee mounts, calls `plan.ready.announce()` once the mount
/// is usable, and returns when every session is logged out; what it throws before it was ready is
/// printed by the command that started it.
func run(_ plan: DaemonPlan) async throws {
  throw CommandFailure(.software, "the daemon is not wired into this build")
}
