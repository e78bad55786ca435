/// What we offer at login; the values in force are what the two sides agree on.
///
/// Source: RFC 7143, 13; the keys `node.session.iscsi.*` and `node.conn[0].iscsi.*`.
package struct NegotiationSettings: Equatable, Sendable {
  package var initialR2T = false
  package var immediateData = true
  package var firstBurstLength: UInt32 = 262_144
  package var maxBurstLength: UInt32 = 16_776_192
  /// Several at once keep the wire busy on a write above one burst; open-iscsi's own default is 1.
  package var maxOutstandingR2T: UInt32 = 8
  package var maxConnections: UInt32 = 1
  package var errorRecoveryLevel: UInt32 = 0
  package var defaultTime2Wait: UInt32 = 0
  package var defaultTime2Retain: UInt32 = 0
  package var dataPDUInOrder = OrderPreference.yes
  package var dataSequenceInOrder = OrderPreference.yes
  /// The longest data segment we take in one PDU, as we declare it.
  package var maxRecvDataSegmentLength: UInt32 = 262_144
  /// The longest we send, below what the target declares; 0 leaves it to the target.
  package var maxXmitDataSegmentLength: UInt32 = 0
  package var headerDigest = DigestPreference.none
  package var dataDigest = DigestPreference.none
  /// iSCSIProtocolLevel as it is offered; 0 offers none.
  package var protocolLevel: UInt32 = 0
  /// In the order they are offered; empty offers none.
  package var taskReporting: [TaskReportingMode] = []

  package init() {}
}

/// Which digests are offered, the wanted one first.
///
/// Source: RFC 7143, 13.1.
package enum DigestPreference: String, CaseIterable, Sendable {
  case none = "None"
  case crc32c = "CRC32C"
  case crc32cOrNone = "CRC32C,None"
  case noneOrCRC32C = "None,CRC32C"
}

/// How a target may tell of tasks it ended.
///
/// Source: RFC 7143, 13.23.
package enum TaskReportingMode: String, CaseIterable, Sendable {
  case rfc3720 = "RFC3720"
  case responseFence = "ResponseFence"
  case fastAbort = "FastAbort"
}

/// Whether data must come in order: yes, not needed, or as the target likes it.
///
/// Source: RFC 7143, 13.18 and 13.19; the two-valued form is iscsifs's.
package enum OrderPreference: String, CaseIterable, Sendable {
  case yes = "Yes"
  case no = "No"
  case yesOrNo = "Yes,No"
}
