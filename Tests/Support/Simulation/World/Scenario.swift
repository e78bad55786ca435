import ISCSI
import Reactor

/// The fixed facts of a run.
struct Scenario {
  let sessionCount: Int
  let unitCount: Int
  let blockLength: Int
  let blockCount: Int
  let maximumTransferBlocks: Int
  let hasVolatileCache: Bool
  let supportsForceUnitAccess: Bool
  let supportsSixteenByteCommands: Bool
  /// How many requests the kernel makes in all, and at once.
  let requestCount: Int
  let outstandingMaximum: Int
  /// How much time is between two requests, at most.
  let pause: UInt64
  let isMostlyAligned: Bool
  /// In percent of the usual; zero: nothing goes wrong.
  let intensity: Int
  let slotCount: Int
  let receiveBytes: Int
  let transmitEntries: Int
  let replacementMilliseconds: UInt64
  let commandsMaximum: UInt16
  let offersDigests: Bool
  /// The memory for what is remembered of writes not flushed.
  let unflushedBytes: Int
  /// Caches are flushed in the background, slowly, and then the target's power goes.
  let flushesMuch: Bool
  /// Several connections and recovery levels; nil but in the second family.
  let recovery: RecoveryScenario?

  init(seed: UInt64, _ random: inout RandomSource) {
    let family = SeedFamily(of: seed)
    recovery = family == .recovery ? RecoveryScenario(seed: seed) : nil
    flushesMuch = family == .caching || recovery?.flushesMuch ?? false
    sessionCount = random.pick([1, 1, 1, 2, 3])
    unitCount = random.pick([1, 1, 2])
    blockLength = random.pick([512, 512, 512, 4096])
    blockCount = (blockLength == 512 ? 16 : 4) * random.within(1...5)
    maximumTransferBlocks = random.pick([1 << 16, 1 << 16, 8, 3])
    hasVolatileCache = random.chance(700) || flushesMuch
    supportsForceUnitAccess = random.chance(500)
    supportsSixteenByteCommands = random.chance(800)
    // Of 88 follows that nobody calls fsync, and that little memory is there for what is written.
    let drawn = random.within(30...90)
    requestCount = flushesMuch ? 88 : drawn
    let outstanding = random.pick([1, 2, 4, 8, 12])
    outstandingMaximum = flushesMuch ? 6 : outstanding
    pause = random.pick([0, 1, 20, 400]) * World.millisecond
    isMostlyAligned = random.chance(500)
    let strength = random.pick([0, 100, 200, 200, 400])
    intensity = flushesMuch ? max(strength, 100) : strength
    let slots = random.pick([3, 8, 16])
    slotCount = flushesMuch ? 16 : slots
    receiveBytes = random.pick([64, 128, 320]) * 1024
    transmitEntries = random.pick([32, 256])
    // With several sessions none is given up while the target may still have its tasks.
    let replacement = random.pick([0, 1_000, 5_000, 30_000, 120_000, 120_000])
    replacementMilliseconds = sessionCount == 1 ? UInt64(replacement) : 120_000
    commandsMaximum = UInt16(random.pick([1, 4, 128]))
    offersDigests = random.chance(600)
    let memory = random.pick([1 << 20, 1 << 20, 1 << 20, 2048])
    // So little that it is flushed in the background again and again.
    unflushedBytes = requestCount % 4 == 0 ? 2048 : memory
  }

  /// Every request finds a slot at once, also beside those whose callers have given up.
  var hasSlotsForAll: Bool { slotCount >= 2 * outstandingMaximum + unitCount }

  /// Caches are flushed in the background too; also drawn already, as are the following.
  var flushesUnasked: Bool { requestCount % 2 == 0 }
  /// Nobody calls fsync before the end.
  var neverSyncs: Bool { requestCount % 6 == 4 }

  /// Drawn from what is drawn already, so that the seeds stay what they were.
  var queueDepth: UInt16 { [1, 3, 32][(blockCount + requestCount) % 3] }
  /// A loss may meet writes that are not remembered.
  var forgetsWrites: Bool { unflushedBytes < 1 << 20 }

  var byteCount: Int { blockCount * blockLength }

  var timeouts: SessionTimeouts {
    SessionTimeouts(
      replacementMilliseconds: replacementMilliseconds, commandsMaximum: commandsMaximum)
  }

  /// How long a request may take, in nanoseconds: replacement_timeout and five seconds, and no less
  /// than a path that is there is given for one command. Requests that find no slot wait for those
  /// before them.
  var answerLimit: UInt64 {
    let rounds =
      hasSlotsForAll ? 1 : UInt64(1 + (outstandingMaximum + slotCount - 1) / slotCount)
    return (max(replacementMilliseconds, 30_000) + 5_000) * rounds * World.millisecond
  }

  /// What one login agrees on.
  ///
  /// - Parameter session: what the session has that it brings a connection to.
  func negotiate(
    _ random: inout RandomSource, joining session: NegotiatedParameters? = nil
  ) -> NegotiatedParameters {
    var parameters = NegotiatedParameters()
    parameters.maxXmitDataSegmentLength = UInt32(random.pick([512, 1024, 4096, 8192, 65536]))
    parameters.maxRecvDataSegmentLength = UInt32(random.pick([512, 2048, 8192, 32768]))
    parameters.maxBurstLength = UInt32(random.pick([512, 1536, 4096, 16384, 262_144]))
    parameters.firstBurstLength = min(
      parameters.maxBurstLength, UInt32(random.pick([512, 2048, 65536])))
    parameters.maxOutstandingR2T = UInt32(random.pick([1, 1, 2, 8]))
    parameters.initialR2T = random.chance(500)
    parameters.immediateData = random.chance(600)
    parameters.dataPDUInOrder = random.chance(700)
    parameters.dataSequenceInOrder = random.chance(700)
    parameters.headerDigest = offersDigests && random.chance(900)
    parameters.dataDigest = offersDigests && random.chance(900)
    recovery?.settle(&parameters, joining: session, &random)
    return parameters
  }
}
