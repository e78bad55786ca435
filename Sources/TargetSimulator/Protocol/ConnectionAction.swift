/// What the owner of a connection's socket is to do next, in order.
package enum ConnectionAction: Equatable, Sendable {
  /// Put these bytes on the wire; separate actions are separate segments where faults made them so.
  case send([UInt8])
  /// The same, with TCP's urgent pointer at their end.
  case sendUrgent([UInt8])
  /// Close in order (FIN) once everything before has been sent.
  case close
  /// Close at once, losing what is queued (RST).
  case reset
}
