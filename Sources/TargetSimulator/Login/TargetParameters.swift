/// What a simulated target brings to negotiation, and how it behaves afterwards.
package struct TargetParameters: Sendable {
  /// A digest the target can compute.
  package enum Digest: String, Sendable {
    case none = "None"
    case crc32c = "CRC32C"
  }

  /// Digests accepted, of which the initiator's first is taken.
  package var headerDigests: [Digest] = [.none, .crc32c]
  package var dataDigests: [Digest] = [.none, .crc32c]
  /// MaxRecvDataSegmentLength: the largest data segment it takes.
  package var maxRecvDataSegmentLength = 262_144
  package var maxBurstLength = 1_048_576
  package var firstBurstLength = 262_144
  package var initialR2T = false
  package var immediateData = true
  package var maxOutstandingR2T = 4
  /// Connections of a session, at most.
  package var maxConnections = 1
  package var dataPDUInOrder = true
  package var dataSequenceInOrder = true
  /// At most: from 1 on what is lost within a connection is sent again, at 2 tasks outlive one.
  package var errorRecoveryLevel = 0
  /// Whether the A bit is set at the end of each burst of Data-In, from level 1 on.
  package var asksForDataAcknowledgement = false
  package var defaultTime2Wait = 0
  package var defaultTime2Retain = 0
  /// Commands it queues: MaxCmdSN - ExpCmdSN + 1 when idle.
  package var commandWindow = 128
  /// The StatSN of a connection's first response.
  package var initialStatSN: UInt32 = 1
  /// Whether GOOD status travels in the last Data-In rather than in a SCSI Response.
  package var sendsStatusInDataIn = true
  /// Whether a new session finds 29/00 waiting on every logical unit.
  package var raisesUnitAttentionAtLogin = false
  /// What INQUIRY to an absent logical unit answers: data, or CHECK CONDITION 5/25/00.
  package var answersAbsentInquiry = true
  /// The first byte of these data: 7Fh, or 3Fh as some targets have it.
  package var absentInquiryByte: UInt8 = 0x7F
  package var iSCSIProtocolLevel = 1
  package var taskReporting = ["RFC3720", "ResponseFence"]
  /// Keys that get an answer of their own, such as NotUnderstood from a target of RFC 3720.
  package var refusals: [String: String] = [:]
  /// Keys the target declares when an empty Text Request lets it speak.
  package var textKeys: [(key: String, value: String)] = []
  /// The most text it puts in one Text Response, in bytes.
  package var textSegmentLength = Int.max
  /// Keys the target declares of itself in the first operational answer, such as TargetAlias.
  package var additionalKeys: [(key: String, value: String)] = []

  package init() {}
}
