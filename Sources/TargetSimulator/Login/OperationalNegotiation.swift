/// The target's half of operational negotiation: a value in, the answer and its effect out.
///
/// Source: RFC 7143, 6.2 and 13.
struct OperationalNegotiation {
  let offer: TargetParameters
  let isDiscovery: Bool
  /// What the session has agreed on, where this is a further connection of it.
  let session: NegotiatedParameters?
  private(set) var result = NegotiatedParameters()
  private var answered: Set<String> = []

  /// Why a login ends here: the initiator broke the rules (status 0200h).
  enum Failure: Error, Equatable {
    case negotiatedTwice(String)
    case illegalValue(String)
    /// A key of the leading connection alone (LO in RFC 7143, 13).
    case leadingOnly(String)
  }

  init(offer: TargetParameters, isDiscovery: Bool, session: NegotiatedParameters? = nil) {
    self.offer = offer
    self.isDiscovery = isDiscovery
    self.session = session
    guard let session else { return }
    let defaults = NegotiatedParameters()
    result = session
    (result.headerDigest, result.dataDigest) = (defaults.headerDigest, defaults.dataDigest)
    result.maxSendDataSegmentLength = defaults.maxSendDataSegmentLength
    result.maxRecvDataSegmentLength = defaults.maxRecvDataSegmentLength
  }

  /// Answers the operational keys among `text`, in its order.
  mutating func answer(_ text: KeyValueText) throws(Failure) -> KeyValueText {
    var answers = KeyValueText()
    for pair in text.pairs {
      guard answered.insert(pair.key).inserted else { throw .negotiatedTwice(pair.key) }
      if let value = try answer(pair.key, pair.value) { answers.append(pair.key, value) }
    }
    // An initiator may name the two bursts in either order (RFC 7143, 13.14).
    result.firstBurstLength = min(result.firstBurstLength, result.maxBurstLength)
    return answers
  }

  /// Declares what the target must say of itself, once.
  mutating func declare(into answers: inout KeyValueText) {
    guard answered.insert("-declared").inserted else { return }
    result.maxRecvDataSegmentLength = offer.maxRecvDataSegmentLength
    answers.append("MaxRecvDataSegmentLength", String(offer.maxRecvDataSegmentLength))
    for pair in offer.additionalKeys { answers.append(pair.key, pair.value) }
  }

  private static let forEachConnection: Set<String> = [
    "InitiatorName", "InitiatorAlias", "TargetName", "MaxRecvDataSegmentLength", "HeaderDigest",
    "DataDigest",
  ]

  private mutating func answer(_ key: String, _ value: String) throws(Failure) -> String? {
    guard session == nil || Self.forEachConnection.contains(key) else { throw .leadingOnly(key) }
    if let refusal = offer.refusals[key] { return refusal }
    switch key {
    case "InitiatorName", "InitiatorAlias", "TargetName", "SessionType":
      return nil
    case "MaxRecvDataSegmentLength":
      let length = try number(key, value, in: 512...16_777_215)
      result.maxSendDataSegmentLength = length
      return nil
    case "HeaderDigest":
      return digest(value, offer.headerDigests, \.headerDigest)
    case "DataDigest":
      return digest(value, offer.dataDigests, \.dataDigest)
    case "DefaultTime2Wait":
      result.defaultTime2Wait = max(try number(key, value, in: 0...3600), offer.defaultTime2Wait)
      return String(result.defaultTime2Wait)
    case "DefaultTime2Retain":
      result.defaultTime2Retain = min(
        try number(key, value, in: 0...3600), offer.defaultTime2Retain)
      return String(result.defaultTime2Retain)
    case "ErrorRecoveryLevel":
      result.errorRecoveryLevel = min(try number(key, value, in: 0...2), offer.errorRecoveryLevel)
      return String(result.errorRecoveryLevel)
    case "IFMarker", "OFMarker":
      return "No"
    case "IFMarkInt", "OFMarkInt":
      return "Reject"
    case "TaskReporting":
      return value.listElements.first(where: offer.taskReporting.contains) ?? "Reject"
    case "iSCSIProtocolLevel":
      result.iSCSIProtocolLevel = min(try number(key, value, in: 0...31), offer.iSCSIProtocolLevel)
      return String(result.iSCSIProtocolLevel)
    default:
      return try answerSessionKey(key, value)
    }
  }

  /// Keys that mean nothing in a discovery session: Irrelevant there (RFC 7143, 13).
  private mutating func answerSessionKey(_ key: String, _ value: String) throws(Failure) -> String {
    let known = [
      "MaxConnections", "InitialR2T", "ImmediateData", "MaxBurstLength", "FirstBurstLength",
      "MaxOutstandingR2T", "DataPDUInOrder", "DataSequenceInOrder",
    ]
    guard known.contains(key) else { return "NotUnderstood" }
    guard !isDiscovery else { return "Irrelevant" }
    switch key {
    case "MaxConnections":
      return try minimum(key, value, offer.maxConnections, 1...65_535, \.maxConnections)
    case "InitialR2T":
      return try boolean(key, value, offer.initialR2T, isOr: true, \.initialR2T)
    case "ImmediateData":
      return try boolean(key, value, offer.immediateData, isOr: false, \.immediateData)
    case "DataPDUInOrder":
      return try boolean(key, value, offer.dataPDUInOrder, isOr: true, \.dataPDUInOrder)
    case "DataSequenceInOrder":
      return try boolean(key, value, offer.dataSequenceInOrder, isOr: true, \.dataSequenceInOrder)
    case "MaxBurstLength":
      return try minimum(key, value, offer.maxBurstLength, 512...16_777_215, \.maxBurstLength)
    case "FirstBurstLength":
      return try minimum(key, value, offer.firstBurstLength, 512...16_777_215, \.firstBurstLength)
    default:
      return try minimum(key, value, offer.maxOutstandingR2T, 1...65_535, \.maxOutstandingR2T)
    }
  }

  private func number(
    _ key: String, _ value: String, in range: ClosedRange<UInt64>
  ) throws(Failure) -> Int {
    guard let number = value.textNumber, range.contains(number) else { throw .illegalValue(key) }
    return Int(number)
  }

  private mutating func minimum(
    _ key: String, _ value: String, _ ours: Int, _ range: ClosedRange<UInt64>,
    _ outcome: WritableKeyPath<NegotiatedParameters, Int>
  ) throws(Failure) -> String {
    let agreed = min(try number(key, value, in: range), ours)
    result[keyPath: outcome] = agreed
    return String(agreed)
  }

  private mutating func boolean(
    _ key: String, _ value: String, _ ours: Bool, isOr: Bool,
    _ outcome: WritableKeyPath<NegotiatedParameters, Bool>
  ) throws(Failure) -> String {
    guard value == "Yes" || value == "No" else { throw .illegalValue(key) }
    let theirs = value == "Yes"
    let agreed = isOr ? theirs || ours : theirs && ours
    result[keyPath: outcome] = agreed
    return agreed ? "Yes" : "No"
  }

  private mutating func digest(
    _ value: String, _ ours: [TargetParameters.Digest],
    _ outcome: WritableKeyPath<NegotiatedParameters, Bool>
  ) -> String {
    let chosen = value.listElements.compactMap(TargetParameters.Digest.init)
      .first(where: ours.contains)
    guard let chosen else { return "Reject" }
    result[keyPath: outcome] = chosen == .crc32c
    return chosen.rawValue
  }
}
