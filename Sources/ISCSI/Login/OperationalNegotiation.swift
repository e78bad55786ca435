/// The operational keys of one login: what is offered, what comes back, what holds in the end.
///
/// A key is negotiated once. As the offering side we take an answer only if the key's function
/// could have made it from our offer; as the answering side we apply the function ourselves.
/// Source: RFC 7143, 6.2 and 13.
struct OperationalNegotiation: Sendable {
  /// Which keys have a meaning in this login.
  enum Scope: Sendable {
    case discovery
    /// The first connection of a session.
    case leading
    /// A further connection: the session's values stand.
    case additional(NegotiatedParameters)
  }

  /// What has been agreed so far.
  private(set) var values: NegotiatedParameters
  private let offer: OperationalParameters
  private let scope: Scope
  private var offered: Set<OperationalKey> = []
  private var settled: Set<OperationalKey> = []

  init(offering offer: OperationalParameters, scope: Scope) {
    Self.check(offer)
    self.offer = offer
    self.scope = scope
    values = NegotiatedParameters(unanswered: offer)
    if case .additional(let session) = scope {
      values = session
      values.maxXmitDataSegmentLength = NegotiatedParameters().maxXmitDataSegmentLength
      values.maxRecvDataSegmentLength = offer.maxRecvDataSegmentLength
      (values.headerDigest, values.dataDigest) = (false, false)
    }
  }

  /// Our offers: every key of this login the target has not offered before us.
  mutating func offers() -> [TextParameter] {
    var parameters: [TextParameter] = []
    for key in OperationalKey.allCases where isMeaningful(key) {
      let isDeclaration = key == .maxRecvDataSegmentLength
      guard isDeclaration || !settled.contains(key), let value = offeredValue(of: key) else {
        continue
      }
      offered.insert(key)
      parameters.append(TextParameter(key.rawValue, value))
    }
    return parameters
  }

  /// Takes a key from the target; returns our answer when it was the target's offer.
  mutating func received(
    _ key: OperationalKey, _ parameter: TextParameter
  ) throws(LoginError) -> TextParameter? {
    // What has no meaning here is not negotiated: tgt offers a session's key to a further
    // connection, and rejects it itself when we say so.
    guard isMeaningful(key) || parameter.refusal == nil else { return nil }
    guard settled.insert(key).inserted else { throw .repeatedKey(key.rawValue) }
    if key == .maxRecvDataSegmentLength {
      guard parameter.refusal == nil else { return nil }
      values.maxXmitDataSegmentLength = try number(parameter, in: key.range)
      return nil
    }
    let isAnswer = offered.contains(key)
    if let refusal = parameter.refusal {
      // The value stays what silence would make it; but a list has no value besides the offered.
      guard !isAnswer || refusal != .reject || !isDigest(key) else {
        throw .illegalAnswer(parameter, offer: offeredValue(of: key) ?? "")
      }
      return nil
    }
    guard isMeaningful(key) else {
      return TextParameter(
        key.rawValue, sessionValue(of: key) ?? TextParameter.Refusal.irrelevant.rawValue)
    }
    let outcome = try negotiate(key, parameter, isAnswer: isAnswer)
    return isAnswer ? nil : TextParameter(key.rawValue, outcome)
  }

  /// The values in force, once the target agreed to go on.
  func result() throws(LoginError) -> NegotiatedParameters {
    var values = values
    for (key, methods) in [
      (OperationalKey.headerDigest, offer.headerDigest), (.dataDigest, offer.dataDigest),
    ] {
      let holds = key == .headerDigest ? values.headerDigest : values.dataDigest
      guard holds || methods.contains(.none) else { throw .unanswered(key.rawValue) }
    }
    if values.firstBurstLength > values.maxBurstLength {
      // FirstBurstLength has no meaning without unsolicited data (13.14).
      guard !settled.contains(.firstBurstLength) || values.initialR2T && !values.immediateData
      else {
        throw .firstBurstAboveMaxBurst(
          first: values.firstBurstLength, maximum: values.maxBurstLength)
      }
      values.firstBurstLength = values.maxBurstLength
    }
    return values
  }

  // MARK: - Each key

  /// Applies the key's function, and says the outcome in the key's own form.
  private mutating func negotiate(
    _ key: OperationalKey, _ parameter: TextParameter, isAnswer: Bool
  ) throws(LoginError) -> String {
    let term = Term(key: key, parameter: parameter, isAnswer: isAnswer)
    switch key {
    case .headerDigest: return try digest(term, offer.headerDigest, into: \.headerDigest)
    case .dataDigest: return try digest(term, offer.dataDigest, into: \.dataDigest)
    case .maxConnections:
      return try number(term, .minimum, offer.maxConnections, into: \.maxConnections)
    case .initialR2T: return try boolean(term, .or, offer.initialR2T, into: \.initialR2T)
    case .immediateData: return try boolean(term, .and, offer.immediateData, into: \.immediateData)
    case .maxRecvDataSegmentLength: preconditionFailure("declared, not negotiated")
    case .maxBurstLength:
      return try number(term, .minimum, offer.maxBurstLength, into: \.maxBurstLength)
    case .firstBurstLength:
      return try number(term, .minimum, offeredFirstBurstLength, into: \.firstBurstLength)
    case .defaultTime2Wait:
      return try number(term, .maximum, offer.defaultTime2Wait, into: \.defaultTime2Wait)
    case .defaultTime2Retain:
      return try number(term, .minimum, offer.defaultTime2Retain, into: \.defaultTime2Retain)
    case .maxOutstandingR2T:
      return try number(term, .minimum, offer.maxOutstandingR2T, into: \.maxOutstandingR2T)
    case .dataPDUInOrder:
      return try boolean(term, .or, offer.dataPDUInOrder, into: \.dataPDUInOrder)
    case .dataSequenceInOrder:
      return try boolean(term, .or, offer.dataSequenceInOrder, into: \.dataSequenceInOrder)
    case .errorRecoveryLevel:
      return try number(term, .minimum, offer.errorRecoveryLevel, into: \.errorRecoveryLevel)
    case .iSCSIProtocolLevel:
      return try number(
        term, .minimum, offer.iSCSIProtocolLevel ?? 1, into: \.iSCSIProtocolLevel)
    case .taskReporting: return try taskReporting(term)
    }
  }

  /// What we say of a key; nil when it is not offered at all.
  private func offeredValue(of key: OperationalKey) -> String? {
    switch key {
    case .headerDigest: offer.headerDigest.map(\.rawValue).joined(separator: ",")
    case .dataDigest: offer.dataDigest.map(\.rawValue).joined(separator: ",")
    case .maxConnections: String(offer.maxConnections)
    case .initialR2T: Self.word(offer.initialR2T)
    case .immediateData: Self.word(offer.immediateData)
    case .maxRecvDataSegmentLength: String(offer.maxRecvDataSegmentLength)
    case .maxBurstLength: String(offer.maxBurstLength)
    case .firstBurstLength: String(offeredFirstBurstLength)
    case .defaultTime2Wait: String(offer.defaultTime2Wait)
    case .defaultTime2Retain: String(offer.defaultTime2Retain)
    case .maxOutstandingR2T: String(offer.maxOutstandingR2T)
    case .dataPDUInOrder: Self.word(offer.dataPDUInOrder)
    case .dataSequenceInOrder: Self.word(offer.dataSequenceInOrder)
    case .errorRecoveryLevel: String(offer.errorRecoveryLevel)
    case .iSCSIProtocolLevel: offer.iSCSIProtocolLevel.map { String($0) }
    case .taskReporting:
      offer.taskReporting.isEmpty
        ? nil : offer.taskReporting.map(\.rawValue).joined(separator: ",")
    }
  }

  /// What the session of a further connection agreed on; nil for what is not a session's.
  ///
  /// A target that offers a session's key here has not read 13.2 and the like; tgt does, and gives
  /// the login up where it is told that they mean nothing. They stand as they are.
  private func sessionValue(of key: OperationalKey) -> String? {
    guard case .additional = scope else { return nil }
    return switch key {
    case .maxConnections: String(values.maxConnections)
    case .initialR2T: Self.word(values.initialR2T)
    case .immediateData: Self.word(values.immediateData)
    case .maxBurstLength: String(values.maxBurstLength)
    case .firstBurstLength: String(values.firstBurstLength)
    case .defaultTime2Wait: String(values.defaultTime2Wait)
    case .defaultTime2Retain: String(values.defaultTime2Retain)
    case .maxOutstandingR2T: String(values.maxOutstandingR2T)
    case .dataPDUInOrder: Self.word(values.dataPDUInOrder)
    case .dataSequenceInOrder: Self.word(values.dataSequenceInOrder)
    case .errorRecoveryLevel: String(values.errorRecoveryLevel)
    case .headerDigest, .dataDigest, .maxRecvDataSegmentLength, .iSCSIProtocolLevel,
      .taskReporting:
      nil
    }
  }

  // MARK: - Each kind of value

  /// One key=value under negotiation.
  private struct Term {
    let key: OperationalKey
    let parameter: TextParameter
    /// True when the target answers our offer, false when it makes its own.
    let isAnswer: Bool
  }

  private mutating func boolean(
    _ term: Term, _ function: BooleanFunction, _ ours: Bool,
    into path: WritableKeyPath<NegotiatedParameters, Bool>
  ) throws(LoginError) -> String {
    let theirs: Bool
    do { theirs = try term.parameter.boolean() } catch { throw .text(error) }
    let outcome = function.outcome(ours, theirs)
    guard !term.isAnswer || outcome == theirs else {
      throw .illegalAnswer(term.parameter, offer: Self.word(ours))
    }
    values[keyPath: path] = outcome
    return Self.word(outcome)
  }

  private mutating func number(
    _ term: Term, _ function: NumericalFunction, _ ours: UInt32,
    into path: WritableKeyPath<NegotiatedParameters, UInt32>
  ) throws(LoginError) -> String {
    // A target may offer more than the RFC has room for: the minimum makes it legal.
    let range = term.key.range
    let isCapped = !term.isAnswer && function == .minimum
    let upper = isCapped ? UInt64(UInt32.max) : range.upperBound
    let theirs = try number(term.parameter, in: range.lowerBound...upper)
    let outcome = function.outcome(ours, theirs)
    guard !term.isAnswer || outcome == theirs else {
      throw .illegalAnswer(term.parameter, offer: String(ours))
    }
    values[keyPath: path] = outcome
    return String(outcome)
  }

  private mutating func digest(
    _ term: Term, _ ours: [DigestMethod], into path: WritableKeyPath<NegotiatedParameters, Bool>
  ) throws(LoginError) -> String {
    let chosen = try choice(term, among: ours.map(\.rawValue))
    values[keyPath: path] = chosen == DigestMethod.crc32c.rawValue
    return chosen
  }

  private mutating func taskReporting(_ term: Term) throws(LoginError) -> String {
    let ours = offer.taskReporting.isEmpty ? [.rfc3720] : offer.taskReporting
    let chosen = try choice(term, among: ours.map(\.rawValue))
    values.taskReporting = TaskReporting(rawValue: chosen) ?? .rfc3720
    return chosen
  }

  /// The one value of an answer, or the first of the target's list that we can do.
  private func choice(_ term: Term, among ours: [String]) throws(LoginError) -> String {
    let theirs = term.isAnswer ? [term.parameter.value] : term.parameter.list()
    guard let chosen = theirs.first(where: ours.contains) else {
      throw .illegalAnswer(term.parameter, offer: ours.joined(separator: ","))
    }
    return chosen
  }

  private func number(
    _ parameter: TextParameter, in range: ClosedRange<UInt64>
  ) throws(LoginError) -> UInt32 {
    do { return UInt32(try parameter.number(in: range)) } catch { throw .text(error) }
  }

  // MARK: - Rules

  private func isMeaningful(_ key: OperationalKey) -> Bool {
    switch scope {
    case .discovery: key.isForDiscovery
    case .leading: true
    case .additional: key.isForEachConnection
    }
  }

  private func isDigest(_ key: OperationalKey) -> Bool {
    key == .headerDigest || key == .dataDigest
  }

  /// An offer above MaxBurstLength would invite an illegal answer (13.14).
  private var offeredFirstBurstLength: UInt32 {
    min(offer.firstBurstLength, offer.maxBurstLength)
  }

  private static func word(_ value: Bool) -> String { value ? "Yes" : "No" }

  /// Our own configuration must have been checked before it came here.
  private static func check(_ offer: OperationalParameters) {
    precondition(!offer.headerDigest.isEmpty && !offer.dataDigest.isEmpty, "digests: one at least")
    for (key, value) in [
      (OperationalKey.maxConnections, offer.maxConnections),
      (.maxRecvDataSegmentLength, offer.maxRecvDataSegmentLength),
      (.maxBurstLength, offer.maxBurstLength), (.firstBurstLength, offer.firstBurstLength),
      (.defaultTime2Wait, offer.defaultTime2Wait), (.defaultTime2Retain, offer.defaultTime2Retain),
      (.maxOutstandingR2T, offer.maxOutstandingR2T),
      (.errorRecoveryLevel, offer.errorRecoveryLevel),
      (.iSCSIProtocolLevel, offer.iSCSIProtocolLevel ?? 1),
    ] {
      precondition(key.range.contains(UInt64(value)), "an offer outside its key's range")
    }
  }
}
