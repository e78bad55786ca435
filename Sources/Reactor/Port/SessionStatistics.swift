import ISCSI

/// A session's numbers at one moment, for `sessions/` and `connections/`.
package struct SessionStatistics: BitwiseCopyable, Equatable, Sendable {
  package var cmdSN: UInt32 = 0
  package var expCmdSN: UInt32 = 0
  package var maxCmdSN: UInt32 = 0
  package var expStatSN = StatusNumbers()
  package var tasksInFlight: UInt32 = 0
  /// Bytes on the wire, headers and digests included, from the end of the login on.
  package var transmittedBytes: UInt64 = 0
  package var receivedBytes: UInt64 = 0
  package var commands: UInt64 = 0
  /// Sent whole, and received.
  package var pdus = PDUCounts()
  /// PDUs whose header or data digest was wrong.
  package var digestErrors: UInt64 = 0
  /// Connections given up because a ping, a command or a SNACK was not answered.
  package var timeouts: UInt64 = 0

  package init() {}

  /// Counts what another connection of the session has counted too.
  mutating func add(_ other: SessionStatistics) {
    transmittedBytes += other.transmittedBytes
    receivedBytes += other.receivedBytes
    commands += other.commands
    digestErrors += other.digestErrors
    timeouts += other.timeouts
  }

  /// Counts what a lost connection says.
  mutating func note(_ failure: SessionFailure) {
    switch failure {
    case .malformed(let error):
      switch error {
      case .headerDigest, .dataDigest: digestErrors += 1
      default: break
      }
    case .pingTimedOut, .commandTimedOut, .recoveryTimedOut: timeouts += 1
    default: break
    }
  }
}
