/// A key of operational negotiation: who may send it when, and what it may say.
///
/// Source: RFC 7143, 13.
package enum OperationalKey: String, CaseIterable, Sendable {
  case headerDigest = "HeaderDigest"
  case dataDigest = "DataDigest"
  case maxConnections = "MaxConnections"
  case initialR2T = "InitialR2T"
  case immediateData = "ImmediateData"
  case maxRecvDataSegmentLength = "MaxRecvDataSegmentLength"
  case maxBurstLength = "MaxBurstLength"
  case firstBurstLength = "FirstBurstLength"
  case defaultTime2Wait = "DefaultTime2Wait"
  case defaultTime2Retain = "DefaultTime2Retain"
  case maxOutstandingR2T = "MaxOutstandingR2T"
  case dataPDUInOrder = "DataPDUInOrder"
  case dataSequenceInOrder = "DataSequenceInOrder"
  case errorRecoveryLevel = "ErrorRecoveryLevel"
  case iSCSIProtocolLevel = "iSCSIProtocolLevel"
  case taskReporting = "TaskReporting"

  /// The numbers the key may carry; keys without a number have none.
  package var range: ClosedRange<UInt64> {
    switch self {
    case .maxConnections, .maxOutstandingR2T: 1...65_535
    case .maxRecvDataSegmentLength, .maxBurstLength, .firstBurstLength: 512...16_777_215
    case .defaultTime2Wait, .defaultTime2Retain: 0...3_600
    case .errorRecoveryLevel: 0...2
    case .iSCSIProtocolLevel: 0...31
    default: 0...0
    }
  }

  /// Negotiated for every connection; the others only by the first one of a session.
  package var isForEachConnection: Bool {
    switch self {
    case .headerDigest, .dataDigest, .maxRecvDataSegmentLength: true
    default: false
    }
  }

  /// Of use where no SCSI command can be sent.
  package var isForDiscovery: Bool {
    switch self {
    case .defaultTime2Wait, .defaultTime2Retain, .errorRecoveryLevel: true
    default: isForEachConnection
    }
  }
}
