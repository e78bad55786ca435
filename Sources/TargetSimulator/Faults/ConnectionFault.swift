package import ISCSI

/// Something that goes wrong on one connection: a decorator between the target and the wire.
///
/// Faults stack as nbdkit's filters do: `TargetConnection.faults` are applied in order to what goes
/// out (the first nearest to the target) and in reverse to what comes in. They decide by counting
/// and by the time they are given, so that a run repeats exactly. Every method has a default that
/// changes nothing.
package protocol ConnectionFault: AnyObject {
  /// Bytes this fault puts in separate actions are to stay separate segments.
  var keepsSegments: Bool { get }

  /// A PDU from the initiator: returns what the target is to see of it.
  func incoming(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, at now: UInt64
  ) -> [ProtocolDataUnit]

  /// A command about to begin: returns how it ends instead, or nil to let it run.
  func outcome(of command: LoggedCommand, on connection: TargetConnection) -> InjectedOutcome?

  /// The PDUs of one turn (perhaps none): returns what leaves in their place, in order.
  func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit]

  /// The wire form of one PDU: returns what is done instead; a close or reset is the last.
  func wire(_ actions: [ConnectionAction], of header: BasicHeaderSegment) -> [ConnectionAction]
}

/// How a fault ends a command.
package enum InjectedOutcome: Equatable, Sendable {
  case result(CommandResult)
  /// It is never answered; task management can abort it.
  case hold
}

extension ConnectionFault {
  package var keepsSegments: Bool { false }

  package func incoming(
    _ unit: ProtocolDataUnit, on connection: TargetConnection, at now: UInt64
  ) -> [ProtocolDataUnit] { [unit] }

  package func outcome(
    of command: LoggedCommand, on connection: TargetConnection
  ) -> InjectedOutcome? { nil }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] { units }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] { actions }
}
