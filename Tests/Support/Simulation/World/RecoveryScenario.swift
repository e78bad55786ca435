import ISCSI

/// What a run of the second family has beside the rest, from a random source of its own.
struct RecoveryScenario {
  /// The ErrorRecoveryLevel and the number of connections that are offered.
  let level: Int
  let connectionCount: Int
  /// What each connection of ours declares: one MaxRecvDataSegmentLength as long as it lives.
  let maxRecvDataSegmentLength: UInt32
  /// As in every run of the third family.
  let flushesMuch: Bool

  init(seed: UInt64) {
    var random = RandomSource(seed: seed ^ 0x5EC0_11D5_0A1D_0F17)
    level = random.pick([0, 1, 1, 2, 2, 2])
    connectionCount = random.pick(level == 0 ? [2, 3] : [1, 1, 2, 3])
    maxRecvDataSegmentLength = UInt32(random.pick([512, 2048, 8192, 32768]))
    flushesMuch = random.chance(120)
  }

  /// What one login agrees on, or, where it joins a session, what the session has.
  func settle(
    _ parameters: inout NegotiatedParameters, joining session: NegotiatedParameters?,
    _ random: inout RandomSource
  ) {
    parameters.maxRecvDataSegmentLength = maxRecvDataSegmentLength
    if let session {
      let own = parameters
      parameters = session
      parameters.maxXmitDataSegmentLength = own.maxXmitDataSegmentLength
      parameters.headerDigest = own.headerDigest
      parameters.dataDigest = own.dataDigest
      return
    }
    let agreed = random.chance(900) ? level : random.below(level + 1)
    parameters.errorRecoveryLevel = UInt32(agreed)
    parameters.maxConnections = random.chance(900) ? UInt32(connectionCount) : 1
    parameters.defaultTime2Wait = UInt32(random.pick([0, 0, 1, 2]))
    parameters.defaultTime2Retain = UInt32(random.pick([0, 5, 20, 20]))
    // 13.17: who may ask for the last sequence again has no other under way.
    if agreed > 0, parameters.dataSequenceInOrder { parameters.maxOutstandingR2T = 1 }
  }
}
