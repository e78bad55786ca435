package import ISCSI
package import Wire

/// A session: an initiator's nexus with a target, or a discovery session.
///
/// It holds what outlives a PDU: command order and window, tasks, unit attentions.
/// Source: RFC 7143, 4.2.2.1; SAM-5, 5.14.
package final class SimulatedSession {
  package let initiatorName: String
  package let isid: ISID
  package let tsih: UInt16
  /// Nil for discovery.
  package let target: SimulatedTarget?
  /// Those that are there, the oldest first.
  package internal(set) var connections: [TargetConnection]
  /// What the leading connection agreed on.
  let parameters: NegotiatedParameters
  /// The next CmdSN to execute.
  package private(set) var expCmdSN: SerialNumber
  /// Commands queued at most; narrowing it takes effect as commands come in (MaxCmdSN never
  /// goes back).
  package var commandWindow: Int
  /// Tasks that have not ended, by Initiator Task Tag.
  package internal(set) var tasks: [InitiatorTaskTag: SimulatedTask] = [:]
  /// Tasks that have ended whose status is not acknowledged, from ErrorRecoveryLevel 2 on.
  var answered: [InitiatorTaskTag: SimulatedTask] = [:]
  /// Connections that were lost and are not logged out, by CID, and when that was, in milliseconds.
  var lost: [UInt16: UInt64] = [:]
  /// Units that take no command of this nexus but those for an auto contingent allegiance.
  package internal(set) var unitsInACA: Set<UInt64> = []
  private var lastMaxCmdSN: SerialNumber
  private var early: [SerialNumber: Arrival] = [:]
  private var unitAttentions: [UInt64: [SenseData]] = [:]

  /// A PDU, and the connection it came on.
  struct Arrival {
    var unit: ProtocolDataUnit
    var connection: TargetConnection
    /// Unsolicited data of a command that waits for its turn.
    var data: [ProtocolDataUnit] = []
  }

  init(
    initiatorName: String, isid: ISID, tsih: UInt16, target: SimulatedTarget?,
    connection: TargetConnection, parameters: NegotiatedParameters, expCmdSN: SerialNumber,
    commandWindow: Int
  ) {
    self.initiatorName = initiatorName
    self.isid = isid
    self.tsih = tsih
    self.target = target
    connections = [connection]
    self.parameters = parameters
    self.expCmdSN = expCmdSN
    self.commandWindow = commandWindow
    lastMaxCmdSN = expCmdSN.advanced(by: UInt32(commandWindow) &- 1)
  }

  /// The largest CmdSN the initiator may use: what is queued takes its part of the window.
  package func maxCmdSN() -> SerialNumber {
    let room = max(0, commandWindow - tasks.count)
    let candidate = expCmdSN.advanced(by: UInt32(room) &- 1)
    if lastMaxCmdSN.precedes(candidate) { lastMaxCmdSN = candidate }
    return lastMaxCmdSN
  }

  /// Takes a PDU that bears a CmdSN and returns what may be executed now, in order.
  ///
  /// Outside the window it is ignored without a word (RFC 7143, 4.2.2.1).
  func admit(_ unit: ProtocolDataUnit, on connection: TargetConnection) -> [Arrival] {
    let arrival = Arrival(unit: unit, connection: connection)
    guard !unit.header.isImmediate else { return [arrival] }
    let cmdSN = unit.header.cmdSN
    guard !cmdSN.precedes(expCmdSN), !maxCmdSN().precedes(cmdSN) else { return [] }
    early[cmdSN] = arrival
    var ordered: [Arrival] = []
    while let next = early.removeValue(forKey: expCmdSN) {
      ordered.append(next)
      expCmdSN = expCmdSN.successor
    }
    return ordered
  }

  /// Takes an early command out of the queue by its tag: it is aborted before it ran.
  func removeEarly(_ tag: InitiatorTaskTag) -> Bool {
    guard let found = early.first(where: { $0.value.unit.header.initiatorTaskTag == tag }) else {
      return false
    }
    // Its number still has to pass, so a NOP-Out that wants no answer stands in its place.
    var header = NOPOut(
      initiatorTaskTag: .reserved, cmdSN: found.key, expStatSN: found.value.unit.header.expStatSN
    ).header
    header.cmdSN = found.key
    early[found.key]?.unit = ProtocolDataUnit(header: header)
    return true
  }

  /// Keeps Data-Out of a command that waits for its turn; false when none does.
  func keepEarly(_ unit: ProtocolDataUnit, from connection: TargetConnection) -> Bool {
    let waiting = early.first {
      $0.value.connection === connection && $0.value.unit.header.opcode == .scsiCommand
        && $0.value.unit.header.initiatorTaskTag == unit.header.initiatorTaskTag
    }
    guard let cmdSN = waiting?.key else { return false }
    early[cmdSN]?.data.append(unit)
    return true
  }

  /// Forgets the early commands of a connection.
  func removeEarly(from connection: TargetConnection) {
    early = early.filter { $0.value.connection !== connection }
  }

  /// Queues a unit attention; one already waiting is not queued twice.
  package func raise(_ sense: SenseData, number: UInt64) {
    guard unitAttentions[number]?.contains(sense) != true else { return }
    unitAttentions[number, default: []].append(sense)
  }

  /// The oldest unit attention of a unit, which thereby is told and gone.
  func takeUnitAttention(number: UInt64) -> SenseData? {
    guard let first = unitAttentions[number]?.first else { return nil }
    unitAttentions[number]?.removeFirst()
    return first
  }

  func hasUnitAttention(number: UInt64) -> Bool { unitAttentions[number]?.isEmpty == false }

  /// REPORT LUNS tells what 3F/0E would (SPC-5, 6.36.1).
  func clearReportedLUNsChanged() {
    for number in unitAttentions.keys {
      unitAttentions[number]?.removeAll { $0 == .reportedLUNsChanged }
    }
  }

  /// Ends the tasks of one unit, or all, without a response.
  func endTasks(of number: UInt64? = nil) {
    guard let number else { return tasks.removeAll() }
    tasks = tasks.filter { $0.value.logicalUnitNumber != number }
  }

  /// Ends the tasks of one connection without a response.
  func endTasks(on connection: TargetConnection) {
    tasks = tasks.filter { $0.value.connection !== connection }
  }

  /// The nexus is lost: its tasks end (RFC 7143, 6.3.5).
  func end() {
    tasks.removeAll()
    answered.removeAll()
    lost.removeAll()
    early.removeAll()
    target?.end(self)
    connections = []
  }
}
