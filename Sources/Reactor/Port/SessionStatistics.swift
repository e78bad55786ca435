/// A session's numbers at one moment, for `sessions/` and `connections/`.
package struct SessionStatistics: BitwiseCopyable, Equatable, Sendable {
  package var cmdSN: UInt32 = 0
  package var expCmdSN: UInt32 = 0
  package var maxCmdSN: UInt32 = 0
  package var expStatSN: UInt32 = 0
  package var tasksInFlight: UInt32 = 0
  package var transmittedBytes: UInt64 = 0
  package var receivedBytes: UInt64 = 0
  package var commands: UInt64 = 0

  package init() {}
}
