/// What is left of a write that may still run at the target of a lost session, once its request is
/// over: its blocks stay taken until the session's next login has ended it.
struct KeptWrite: BitwiseCopyable {
  var isTaken = false
  var session: UInt16 = 0
  var unit: UInt16 = 0
  /// It clears a range: what its blocks hold is not known when it ends.
  var leavesUnknown = false
}
