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
