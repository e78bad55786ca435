/// What a session and one of its connections agreed on.
///
/// Lengths are in bytes, times in seconds; the defaults are the RFC's.
/// Source: RFC 7143, 13.
package struct NegotiatedParameters: BitwiseCopyable, Equatable, Sendable {
  /// The target's declared MaxRecvDataSegmentLength: the most one PDU of ours may carry.
  package var maxXmitDataSegmentLength: UInt32 = 8_192
  /// Ours: the most one PDU of the target's may carry.
  package var maxRecvDataSegmentLength: UInt32 = 8_192
  package var maxBurstLength: UInt32 = 262_144
  package var firstBurstLength: UInt32 = 65_536
  package var maxOutstandingR2T: UInt32 = 1
  package var maxConnections: UInt32 = 1
  package var defaultTime2Wait: UInt32 = 2
  package var defaultTime2Retain: UInt32 = 20
  package var errorRecoveryLevel: UInt32 = 0
  package var iSCSIProtocolLevel: UInt32 = 1
  package var headerDigest = false
  package var dataDigest = false
  package var initialR2T = true
  package var immediateData = true
  package var dataPDUInOrder = true
  package var dataSequenceInOrder = true
  package var taskReporting = TaskReporting.rfc3720

  /// What holds when nothing is negotiated.
  package init() {}

  /// What holds when the target says nothing to an offer: the function of the offer and the
  /// default, which whatever the target made of its silence allows.
  init(unanswered offer: OperationalParameters) {
    maxRecvDataSegmentLength = offer.maxRecvDataSegmentLength
    maxBurstLength = min(offer.maxBurstLength, maxBurstLength)
    firstBurstLength = min(offer.firstBurstLength, firstBurstLength)
    defaultTime2Wait = max(offer.defaultTime2Wait, defaultTime2Wait)
    defaultTime2Retain = min(offer.defaultTime2Retain, defaultTime2Retain)
    immediateData = offer.immediateData
  }
}
