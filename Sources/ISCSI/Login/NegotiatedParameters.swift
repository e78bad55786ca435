package struct NegotiatedParameters: BitwiseCopyable, Hashable, Sendable {
  package var headerDigest = false
  package var dataDigest = false
  package var maxConnections: UInt32 = 1
  package var initialR2T = true
  package var immediateData = true
  package var maxRecvDataSegmentLength: UInt32 = 8192
  package var maxXmitDataSegmentLength: UInt32 = 8192
  package var maxBurstLength: UInt32 = 262_144
  package var firstBurstLength: UInt32 = 65_536
  package var maxOutstandingR2T: UInt32 = 1
  package init() {}
}
