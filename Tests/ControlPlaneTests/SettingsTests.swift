import ISCSI
import Records
import Testing

@testable import ControlPlane

/// What a configuration means for the logins made with it.
struct SettingsTests {
  @Test(arguments: [(1, 1), (15, 15), (16, 15), (65_535, 15)])
  func moreR2TsAtOnceThanATransferHoldsAreNotOffered(asked: UInt32, offered: UInt32) throws {
    var configuration = Configuration()
    configuration.negotiation.maxOutstandingR2T = asked
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.maxOutstandingR2T == offered)
  }

  /// tgt 1.0.85, told 999: a read of 4096 bytes came as Data-In of 999 and one byte of padding
  /// each, and bytes 999, 1998, 2997 and 3996, the first of each next PDU, were zeros.
  @Test(arguments: [(999, 996), (512, 512), (515, 512), (16_777_215, 16_777_212), (7777, 7776)])
  func lengthsThatWouldNeedPaddingBetweenTwoPDUsOfAReadAreNotOffered(
    asked: UInt32, offered: UInt32
  ) throws {
    var configuration = Configuration()
    configuration.negotiation.maxRecvDataSegmentLength = asked
    configuration.negotiation.maxBurstLength = asked
    configuration.negotiation.firstBurstLength = 512
    configuration.discovery.maxRecvDataSegmentLength = asked
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.maxRecvDataSegmentLength == offered)
    #expect(settings.operational.maxBurstLength == offered)
    #expect(settings.discoveryOperational.maxRecvDataSegmentLength == offered)
  }

  @Test func whatTheDataPathDoesNotDoIsNotOffered() throws {
    var configuration = Configuration()
    configuration.negotiation.maxConnections = 4
    configuration.negotiation.errorRecoveryLevel = 2
    configuration.negotiation.dataPDUInOrder = .no
    configuration.negotiation.dataSequenceInOrder = .no
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.maxConnections == 1)
    #expect(settings.operational.errorRecoveryLevel == 0)
    #expect(settings.operational.dataPDUInOrder)
    #expect(settings.operational.dataSequenceInOrder)
  }
}
