package import ISCSI

/// What a portal saw: commands in order of execution, PDUs by opcode in both directions.
package struct SimulatorLog: Sendable {
  /// Commands, oldest first; beyond `maximumCommandCount` the oldest half is forgotten.
  package private(set) var commands: [LoggedCommand] = []
  package private(set) var receivedCounts: [Opcode: Int] = [:]
  package private(set) var sentCounts: [Opcode: Int] = [:]
  /// Commands executed, including forgotten ones.
  package private(set) var commandCount = 0
  package private(set) var receivedByteCount = 0
  package private(set) var sentByteCount = 0
  /// Connections opened.
  package internal(set) var connectionCount = 0
  package var maximumCommandCount = 100_000
  /// The security keys of login requests, oldest first; only the last `maximumSecurityCount`.
  package private(set) var securityTexts: [KeyValueText] = []
  package var maximumSecurityCount = 1_000

  package init() {}

  /// The commands to one LUN.
  package func commands(to logicalUnitNumber: UInt64) -> [LoggedCommand] {
    commands.filter { $0.logicalUnitNumber == logicalUnitNumber }
  }

  /// The commands with one operation code.
  package func commands(operationCode: UInt8) -> [LoggedCommand] {
    commands.filter { $0.operationCode == operationCode }
  }

  /// Task management functions asked for.
  package var taskManagementRequestCount: Int {
    receivedCounts[.taskManagementRequest, default: 0]
  }

  /// Forgets everything.
  package mutating func clear() {
    self = SimulatorLog()
  }

  mutating func record(_ command: LoggedCommand) {
    if commands.count >= maximumCommandCount { commands.removeFirst(commands.count / 2) }
    commands.append(command)
    commandCount += 1
  }

  mutating func record(security text: KeyValueText) {
    if securityTexts.count >= maximumSecurityCount { securityTexts.removeFirst() }
    securityTexts.append(text)
  }

  mutating func recordReceived(_ unit: ProtocolDataUnit) {
    receivedCounts[unit.header.opcode, default: 0] += 1
    receivedByteCount += unit.data.count
  }

  mutating func recordSent(_ unit: ProtocolDataUnit) {
    sentCounts[unit.header.opcode, default: 0] += 1
    sentByteCount += unit.data.count
  }
}
