/// What a login agreed on; before it, RFC 7143's defaults (section 13).
package struct NegotiatedParameters: Equatable, Sendable {
  package var headerDigest = false
  package var dataDigest = false
  /// What the initiator declared: the largest data segment to send.
  package var maxSendDataSegmentLength = 8192
  /// What the target has declared; undeclared it is the default.
  package var maxRecvDataSegmentLength = 8192
  package var maxBurstLength = 262_144
  package var firstBurstLength = 65_536
  package var initialR2T = true
  package var immediateData = true
  package var maxOutstandingR2T = 1
  package var maxConnections = 1
  package var dataPDUInOrder = true
  package var dataSequenceInOrder = true
  package var errorRecoveryLevel = 0
  package var defaultTime2Wait = 2
  package var defaultTime2Retain = 20
  /// 1 where nothing is said (RFC 7143, 13.24).
  package var iSCSIProtocolLevel = 1
}
