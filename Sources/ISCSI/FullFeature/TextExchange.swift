/// Text in full feature phase: an empty Text Request of ours, answers to what the target offers.
///
/// Little may be said here: a target may declare a new MaxRecvDataSegmentLength, keys it only
/// tells are taken as told, and what would have to be negotiated is refused (RFC 7143, 13).
/// Source: RFC 7143, 6.2, 11.10 and 11.11.
package struct TextExchange: Sendable {
  /// Responses one exchange may have.
  package static let maximumResponseCount = 32
  /// The longest answer we make, in bytes.
  package static let maximumAnswerByteCount = 512

  /// What follows a Text Response.
  package enum Step: Equatable, Sendable {
    /// Nothing: the exchange is over.
    case done
    /// A Text Request with this text, its tags and LUN as in the response.
    case request([UInt8])
  }

  /// What the target declared to accept in one data segment, in bytes; nil when it said nothing.
  package private(set) var maxXmitDataSegmentLength: UInt32?
  private var text = TextAccumulator()
  private var responseCount = 0

  package init() {}

  /// Takes a Text Response with its data segment.
  package mutating func receive(
    _ response: TextResponse, data: [UInt8]
  ) throws(ProtocolViolation) -> Step {
    let header = response.header
    responseCount += 1
    guard responseCount <= Self.maximumResponseCount, !(header.isFinal && response.continues)
    else { throw .unexpectedForTask(.textResponse, header.initiatorTaskTag) }
    // An unfinished exchange has a tag to go on with; that of a finished one means nothing.
    guard header.isFinal || header.targetTransferTag != .reserved else {
      throw .reservedTransferTag(.textResponse)
    }
    do throws(TextError) {
      try text.append(data)
      guard !response.continues else { return .request([]) }
      var answers: [TextParameter] = []
      for parameter in try text.take() {
        if let answer = try answer(parameter) { answers.append(answer) }
      }
      guard !header.isFinal else { return .done }
      let encoded = TextParameter.encode(answers)
      guard encoded.count <= Self.maximumAnswerByteCount else {
        throw .textTooLong(limit: Self.maximumAnswerByteCount)
      }
      return .request(encoded)
    } catch {
      throw .text(error)
    }
  }

  /// What is to be said to a key; nil when it only tells.
  private mutating func answer(_ parameter: TextParameter) throws(TextError) -> TextParameter? {
    switch parameter.key {
    case OperationalKey.maxRecvDataSegmentLength.rawValue:
      maxXmitDataSegmentLength = UInt32(
        try parameter.number(in: OperationalKey.maxRecvDataSegmentLength.range))
      return nil
    case "TargetName", "TargetAlias", "TargetAddress", "TargetPortalGroupTag": return nil
    case let key where OperationalKey(rawValue: key) != nil: return TextParameter(key, "Reject")
    case let key: return TextParameter(key, "NotUnderstood")
    }
  }
}
