import ISCSI
import Wire

/// Text Responses in full feature phase: `TextExchange` beside a reader that keeps all the text.
///
/// Input: for each response the byte with F and C, one for its tag and how often its data stand
/// there, their length, the data.
enum ExchangeProperties {
  /// Everything said since a text began, and what the target declared.
  private struct Model {
    var text: [UInt8] = []
    var responseCount = 0
    var maxXmitDataSegmentLength: UInt32?

    /// What must follow, nil where the response must be refused.
    mutating func receive(
      isFinal: Bool, continues: Bool, hasTag: Bool, data: [UInt8]
    ) -> TextExchange.Step? {
      responseCount += 1
      text += data
      guard responseCount <= 32, !(isFinal && continues), isFinal || hasTag, text.count <= 65_536
      else { return nil }
      if continues { return .request([]) }
      guard let pairs = NaiveText.parameters(of: text) else { return nil }
      text = []
      var answer = ""
      for pair in pairs {
        switch pair.key {
        case "MaxRecvDataSegmentLength":
          guard let number = NaiveText.number(pair.value[...]), number >= 512, number < 1 << 24
          else { return nil }
          maxXmitDataSegmentLength = UInt32(number)
        case "TargetName", "TargetAlias", "TargetAddress", "TargetPortalGroupTag": break
        case let key where ExchangeProperties.operational.contains(key):
          answer += key + "=Reject\0"
        case let key: answer += key + "=NotUnderstood\0"
        }
      }
      if isFinal { return .done }
      return answer.utf8.count <= 512 ? .request(Array(answer.utf8)) : nil
    }
  }

  /// The keys of RFC 7143, 13 and RFC 7144, 3.1.1 that are negotiated, or declared in a login only.
  private static let operational: Set<String> = [
    "HeaderDigest", "DataDigest", "MaxConnections", "InitialR2T", "ImmediateData",
    "MaxBurstLength", "FirstBurstLength", "DefaultTime2Wait", "DefaultTime2Retain",
    "MaxOutstandingR2T", "DataPDUInOrder", "DataSequenceInOrder", "ErrorRecoveryLevel",
    "iSCSIProtocolLevel", "TaskReporting",
  ]

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    var exchange = TextExchange()
    var model = Model()
    var requestCount = 0
    while !input.isEmpty {
      let flags = input.byte()
      let choice = input.byte()
      let piece = input.bytes(Int(input.byte()))
      // Short inputs make long texts.
      let count = choice & 0x80 != 0 ? 1 + Int(input.byte()) : 1
      let data = Array((0..<count).map { _ in piece }.joined())
      var header = BasicHeaderSegment(opcode: .textResponse, flags: flags)
      header.targetTransferTag =
        choice & 0x03 == 0 ? .reserved : TargetTransferTag(rawValue: UInt32(choice))
      header.dataSegmentLength = data.count
      let step: TextExchange.Step?
      do throws(ProtocolViolation) {
        step = try exchange.receive(TextResponse(header), data: data)
      } catch {
        try holdSentence(error.sentence, of: "a violation")
        step = nil
      }
      let expected = model.receive(
        isFinal: flags & 0x80 != 0, continues: flags & 0x40 != 0, hasTag: choice & 0x03 != 0,
        data: data)
      try agree(step, expected, "what follows response \(model.responseCount)")
      guard case .request(let text) = step else { return }
      try agree(
        exchange.maxXmitDataSegmentLength, model.maxXmitDataSegmentLength, "what was declared")
      try hold(text.count <= TextExchange.maximumAnswerByteCount, "an answer has 512 bytes")
      requestCount += 1
      try hold(requestCount <= 32, "an exchange has 32 responses at most")
    }
  }
}
