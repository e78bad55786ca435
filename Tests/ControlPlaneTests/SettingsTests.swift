import ISCSI
import LinuxIO
import Records
import Testing

@testable import ControlPlane

/// What a configuration means for the logins made with it.
struct SettingsTests {
  @Test(arguments: [(1, 1), (15, 15), (64, 64), (65, 64), (65_535, 64)])
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

  /// RFC 7143, 13.16: a target that keeps no task for a moment has none to reassign.
  @Test(arguments: [(0, 0, 0), (1, 0, 0), (2, 0, 20), (2, 7, 7)] as [(UInt32, UInt32, UInt32)])
  func tasksAreToBeKeptWhereTheyMayGoOn(level: UInt32, asked: UInt32, offered: UInt32) throws {
    var configuration = Configuration()
    configuration.negotiation.errorRecoveryLevel = level
    configuration.negotiation.defaultTime2Retain = asked
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.defaultTime2Retain == offered)
  }

  @Test(arguments: [(1, 1), (4, 4), (8, 8), (65_535, 8)] as [(UInt32, UInt32)])
  func connectionsAreOfferedAsConfiguredUpToEight(asked: UInt32, offered: UInt32) throws {
    var configuration = Configuration()
    #expect(configuration.negotiation.maxConnections == 1)
    configuration.negotiation.maxConnections = asked
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.maxConnections == offered)
  }

  /// RFC 7143, 13.19: with sequences in order only the last R2T may be asked for again.
  @Test(arguments: [0, 1, 2] as [UInt32], [OrderPreference.yes, .no])
  func recoveryIsOfferedAsConfiguredAndAllowsOneR2TInOrder(
    level: UInt32, order: OrderPreference
  ) throws {
    var configuration = Configuration()
    #expect(configuration.negotiation.errorRecoveryLevel == 0)
    configuration.negotiation.errorRecoveryLevel = level
    configuration.negotiation.dataSequenceInOrder = order
    configuration.negotiation.maxOutstandingR2T = 8
    let settings = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(settings.operational.errorRecoveryLevel == level)
    #expect(settings.operational.maxOutstandingR2T == (level > 0 && order == .yes ? 1 : 8))
  }

  @Test("L40, L43 RFC 7144's keys are offered when a configuration says so, and not otherwise")
  func newKeysAreOfferedAsConfigured() throws {
    var configuration = Configuration()
    let plain = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(plain.operational.iSCSIProtocolLevel == nil)
    #expect(plain.operational.taskReporting == [])
    try configuration.apply([
      .option("node.session.iscsi.iSCSIProtocolLevel", "2"),
      .option("node.session.iscsi.TaskReporting", "FastAbort, ResponseFence, RFC3720"),
    ])
    let modern = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(modern.operational.iSCSIProtocolLevel == 2)
    #expect(modern.operational.taskReporting == [.fastAbort, .responseFence, .rfc3720])
  }

  @Test func keysOfSessionsAndConnectionsHaveTheirEffect() throws {
    var configuration = Configuration()
    let plain = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(plain.initialLoginAttempts == nil && plain.reopenAttempts == nil)
    #expect(plain.socketOptions == SocketOptions())
    try configuration.apply([
      .option("node.session.initial_login_retry_max", "8"),
      .option("node.session.reopen_max", "5"),
      .option("node.conn[0].tcp.window_size", "524288"),
      .option("node.conn[0].tcp.type_of_service", "40"),
      .option("node.conn[0].timeo.login_timeout", "20"),
      .option("discovery.sendtargets.timeo.login_timeout", "7"),
    ])
    let set = try InitiatorSettings(
      configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
    #expect(set.initialLoginAttempts == 8 && set.reopenAttempts == 5)
    #expect(set.socketOptions.bufferByteCount == 524_288)
    #expect(set.socketOptions.typeOfService == 40)
    #expect(set.loginTimeoutMilliseconds == 20_000)
    #expect(set.discoveryLoginTimeoutMilliseconds == 7_000)
  }

  /// RFC 7143, 13.18 and 13.19: the keys' function is OR, so that No leaves it to the target.
  @Test func theOrderOfDataIsOfferedAsConfigured() throws {
    for (preference, isInOrder) in [(OrderPreference.yes, true), (.no, false), (.yesOrNo, false)] {
      var configuration = Configuration()
      configuration.negotiation.dataPDUInOrder = preference
      let pdu = try InitiatorSettings(
        configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
      #expect(pdu.operational.dataPDUInOrder == isInOrder)
      #expect(pdu.operational.dataSequenceInOrder)
      configuration.negotiation.dataPDUInOrder = .yes
      configuration.negotiation.dataSequenceInOrder = preference
      let sequence = try InitiatorSettings(
        configuration, initiatorName: "iqn.2026-01.test:initiator", isidRandom: 1)
      #expect(sequence.operational.dataPDUInOrder)
      #expect(sequence.operational.dataSequenceInOrder == isInOrder)
    }
  }
}
