import ISCSI
import LinuxIO
import Reactor
package import Records
import SystemPackage

extension InitiatorSettings {
  /// The settings a validated configuration means.
  ///
  /// - Parameters:
  ///   - initiatorName: who we are, when the configuration does not say.
  ///   - isidRandom: 24 random bits, new for each mount.
  /// Throws EINVAL for CHAP without what it needs, which `Configuration.validate` finds first.
  package init(
    _ configuration: Configuration, initiatorName: String, isidRandom: UInt32
  ) throws(ControlError) {
    self.init(
      initiatorName: configuration.initiatorName?.rawValue ?? initiatorName,
      isidRandom: isidRandom)
    initiatorAlias = configuration.initiatorAlias
    let count = configuration.session.sessionCount
    sessionsPerTarget = count == 0 ? nil : Int(clamping: count)
    operational = OperationalParameters(configuration.negotiation)
    transmitLimit = configuration.negotiation.maxXmitDataSegmentLength
    discoveryOperational.maxRecvDataSegmentLength =
      configuration.discovery.maxRecvDataSegmentLength.wholeWords
    sessionAuthentication = try AuthenticationPolicy(
      configuration.authentication, prefix: "node.session.auth")
    discoveryAuthentication = try AuthenticationPolicy(
      configuration.discovery.authentication, prefix: "discovery.sendtargets.auth")
    loginTimeoutMilliseconds = UInt64(configuration.timeouts.loginSeconds) * 1000
    discoveryLoginTimeoutMilliseconds = UInt64(configuration.discovery.loginSeconds) * 1000
    let session = configuration.session
    let attempts = session.initialLoginRetryMax
    initialLoginAttempts = attempts == 0 ? nil : Int(attempts)
    reopenAttempts = session.reopenMax == 0 ? nil : Int(session.reopenMax)
    socketOptions.bufferByteCount = Int32(clamping: session.tcpWindowBytes)
    socketOptions.typeOfService = UInt8(clamping: session.typeOfService)
    queueDepth = UInt16(clamping: max(session.queueDepth, 1))
    sessionTimeouts = SessionTimeouts(
      configuration.timeouts, commandsMax: configuration.session.commandsMax)
  }
}

extension InitiatorSettings {
  /// What another configuration makes of them; what it does not say stays.
  func remade(of configuration: Configuration) throws(ControlError) -> InitiatorSettings {
    var made = try InitiatorSettings(
      configuration, initiatorName: initiatorName, isidRandom: isidRandom)
    made.initiatorName = initiatorName
    made.initiatorAlias = configuration.initiatorAlias ?? initiatorAlias
    made.loginPolicy = loginPolicy
    made.isReadOnly = isReadOnly
    return made
  }
}

extension OperationalParameters {
  fileprivate init(_ settings: NegotiationSettings) {
    self.init()
    headerDigest = settings.headerDigest.methods
    dataDigest = settings.dataDigest.methods
    initialR2T = settings.initialR2T
    immediateData = settings.immediateData
    maxRecvDataSegmentLength = settings.maxRecvDataSegmentLength.wholeWords
    maxBurstLength = settings.maxBurstLength.wholeWords
    firstBurstLength = settings.firstBurstLength
    defaultTime2Wait = settings.defaultTime2Wait
    defaultTime2Retain = settings.defaultTime2Retain
    // More at once than a transfer has room for is more than we could answer.
    maxOutstandingR2T = min(
      settings.maxOutstandingR2T, UInt32(TransferRecord.readyToTransferCapacity))
    errorRecoveryLevel = settings.errorRecoveryLevel
    // At level 2 a target that keeps no task has nothing to let go on: what nobody has set is the
    // RFC's default (13.16).
    if errorRecoveryLevel > 1, defaultTime2Retain == 0 {
      defaultTime2Retain = NegotiatedParameters().defaultTime2Retain
    }
    // Order holds where one side wants it: what may be either way is left to the target.
    dataPDUInOrder = settings.dataPDUInOrder == .yes
    dataSequenceInOrder = settings.dataSequenceInOrder == .yes
    iSCSIProtocolLevel = settings.protocolLevel == 0 ? nil : settings.protocolLevel
    taskReporting = settings.taskReporting.map(TaskReporting.init)
    // With sequences in order only the last R2T can be asked for again: there may be no other
    // (RFC 7143, 13.19).
    if errorRecoveryLevel > 0, dataSequenceInOrder { maxOutstandingR2T = 1 }
    maxConnections = min(settings.maxConnections, InitiatorSettings.connectionLimit)
  }
}

extension TaskReporting {
  fileprivate init(_ named: TaskReportingMode) {
    self =
      switch named {
      case .rfc3720: .rfc3720
      case .responseFence: .responseFence
      case .fastAbort: .fastAbort
      }
  }
}

extension UInt32 {
  /// Rounded down to the four bytes a data segment is padded to.
  ///
  /// Where a PDU or burst in the middle of a read ends within a word, there are targets that write
  /// its padding into their own data: the first bytes of the next PDU are then zeros, and no digest
  /// tells. Lengths of whole words leave nothing to pad before the end.
  fileprivate var wholeWords: UInt32 { self & ~3 }
}

extension DigestPreference {
  /// What is offered, best first.
  fileprivate var methods: [DigestMethod] {
    switch self {
    case .none: [.none]
    case .crc32c: [.crc32c]
    case .crc32cOrNone: [.crc32c, .none]
    case .noneOrCRC32C: [.none, .crc32c]
    }
  }
}

extension AuthenticationPolicy {
  fileprivate init(_ settings: AuthenticationSettings, prefix: String) throws(ControlError) {
    guard settings.method == .chap else {
      self = .none
      return
    }
    guard let name = settings.userName, let secret = settings.secret else {
      throw ControlError(
        .invalidArgument, .invalid, "\(prefix) asks for CHAP without a name and a secret")
    }
    var parameters = CHAPParameters(
      CHAPCredentials(name: name, secret: secret.bytes),
      algorithms: settings.algorithms.map(ISCSI.CHAPAlgorithm.init))
    if settings.isMutual {
      guard let name = settings.targetUserName, let secret = settings.targetSecret else {
        throw ControlError(
          .invalidArgument, .invalid,
          "\(prefix) asks for mutual CHAP without the target's name and secret")
      }
      parameters.targetCredentials = CHAPCredentials(name: name, secret: secret.bytes)
    }
    self = .chapRequired(parameters)
  }
}

extension ISCSI.CHAPAlgorithm {
  fileprivate init(_ named: Records.CHAPAlgorithm) {
    self =
      switch named {
      case .md5: .md5
      case .sha1: .sha1
      case .sha256: .sha256
      case .sha3of256: .sha3of256
      }
  }
}

extension SessionTimeouts {
  fileprivate init(_ settings: TimeoutSettings, commandsMax: UInt32) {
    let replacement = settings.replacementSeconds
    self.init(
      replacementMilliseconds: replacement < 0 ? nil : UInt64(replacement) * 1000,
      pingIntervalMilliseconds: UInt64(settings.noopOutIntervalSeconds) * 1000,
      pingTimeoutMilliseconds: UInt64(settings.noopOutSeconds) * 1000,
      logoutMilliseconds: UInt64(settings.logoutSeconds) * 1000,
      abortMilliseconds: UInt64(settings.abortSeconds) * 1000,
      logicalUnitResetMilliseconds: UInt64(settings.logicalUnitResetSeconds) * 1000,
      targetResetMilliseconds: UInt64(settings.targetResetSeconds) * 1000,
      commandsMaximum: UInt16(clamping: commandsMax))
  }
}
