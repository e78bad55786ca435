/// What is known of a session's tasks at its target when it is forgotten.
package enum SessionEnd: Sendable {
  /// The target has closed the session and, with it, every task: they may be sent to another.
  case proven
  /// It may have the session still, and run its tasks.
  case unproven
}
