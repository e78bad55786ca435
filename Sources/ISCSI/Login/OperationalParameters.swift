/// What we offer in operational negotiation, from the configuration.
///
/// Names are the keys'; defaults are open-iscsi's unless a line says otherwise. Every number must
/// lie in its `OperationalKey`'s range; one that does not is the caller's bug and traps in
/// `LoginMachine.init`.
/// Source: RFC 7143, 13.
package struct OperationalParameters: Equatable, Sendable {
  /// In order of preference; not empty. `[.crc32c]` alone makes the digest a condition.
  package var headerDigest: [DigestMethod] = [.none]
  package var dataDigest: [DigestMethod] = [.none]
  package var maxConnections: UInt32 = 1
  package var initialR2T = false
  package var immediateData = true
  /// What we declare to accept in one data segment, in bytes.
  package var maxRecvDataSegmentLength: UInt32 = 262_144
  /// In bytes; a whole number of 512-byte blocks below 2^24.
  package var maxBurstLength: UInt32 = 16_776_192
  /// In bytes; offered no higher than `maxBurstLength`.
  package var firstBurstLength: UInt32 = 262_144
  /// In seconds.
  package var defaultTime2Wait: UInt32 = 0
  /// In seconds; zero, because after a drop we log in again instead of reassigning tasks.
  package var defaultTime2Retain: UInt32 = 0
  /// open-iscsi keeps 1, and then a large write waits a round trip for every burst the target
  /// asks for. With 8 the target may ask ahead; one that wants less answers less.
  package var maxOutstandingR2T: UInt32 = 8
  package var dataPDUInOrder = true
  package var dataSequenceInOrder = true
  package var errorRecoveryLevel: UInt32 = 0
  /// Not offered when nil: RFC 3720 targets do not know the key.
  package var iSCSIProtocolLevel: UInt32?
  /// In order of preference; not offered when empty.
  package var taskReporting: [TaskReporting] = []

  package init() {}

  /// What a discovery session offers: small segments, nothing else that matters.
  package static var discovery: OperationalParameters {
    var parameters = OperationalParameters()
    parameters.maxRecvDataSegmentLength = 32_768
    return parameters
  }
}
