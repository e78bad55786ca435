package import ISCSI

/// Shows another fault only what belongs to chosen commands: logins, pings and scans go well.
package final class CommandFault: ConnectionFault {
  private let operationCodes: Set<UInt8>
  private let fault: any ConnectionFault
  /// Tags of the chosen commands; one that is used again for another command is none of them.
  private var tags: Set<InitiatorTaskTag> = []

  package init(_ operationCodes: Set<UInt8>, _ fault: any ConnectionFault) {
    self.operationCodes = operationCodes
    self.fault = fault
  }

  package var keepsSegments: Bool { fault.keepsSegments }

  package func outcome(
    of command: LoggedCommand, on connection: TargetConnection
  ) -> InjectedOutcome? {
    guard operationCodes.contains(command.operationCode) else {
      tags.remove(command.initiatorTaskTag)
      return nil
    }
    tags.insert(command.initiatorTaskTag)
    return fault.outcome(of: command, on: connection)
  }

  package func outgoing(
    _ units: [OutgoingUnit], on connection: TargetConnection, at now: UInt64
  ) -> [OutgoingUnit] {
    units.flatMap { unit in
      tags.contains(unit.unit.header.initiatorTaskTag)
        ? fault.outgoing([unit], on: connection, at: now) : [unit]
    }
  }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    tags.contains(header.initiatorTaskTag) ? fault.wire(actions, of: header) : actions
  }
}
