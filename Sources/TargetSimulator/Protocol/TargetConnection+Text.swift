import ISCSI
import Wire

/// Text requests: SendTargets, in as many PDUs as the initiator's segment length makes of it.
///
/// Source: RFC 7143, 11.10, 11.11 and appendix C.
extension TargetConnection {
  /// An answer that did not fit one PDU, or a request that is not whole.
  struct TextExchange {
    let initiatorTaskTag: InitiatorTaskTag
    var targetTransferTag: TargetTransferTag
    var request: [UInt8] = []
    var answer: ArraySlice<UInt8> = []
  }

  /// Text kept of one exchange, at most.
  private static let maximumRequestByteCount = 65_536

  func text(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    let request = TextRequest(unit.header)
    let tag = unit.header.initiatorTaskTag
    var exchange = TextExchange(initiatorTaskTag: tag, targetTransferTag: .reserved)
    if unit.header.targetTransferTag != .reserved {
      guard let open = textExchange, open.initiatorTaskTag == tag,
        open.targetTransferTag == unit.header.targetTransferTag
      else { return reject(unit, .protocolError) }
      exchange = open
    }
    textExchange = nil
    exchange.request += unit.data
    guard exchange.request.count <= Self.maximumRequestByteCount,
      !(request.continues && unit.header.isFinal)
    else { return reject(unit, .protocolError) }

    if request.continues {
      return answer(unit, [], isFinal: false, continues: false, &exchange, in: session)
    }
    if exchange.answer.isEmpty {
      guard let text = KeyValueText(parsing: exchange.request) else {
        return reject(unit, .protocolError)
      }
      exchange.request = []
      exchange.answer = answers(to: text, in: session).encoded[...]
    }
    let limit = min(
      negotiated.maxSendDataSegmentLength, session.target?.parameters.textSegmentLength ?? .max)
    let piece = Array(exchange.answer.prefix(limit))
    exchange.answer = exchange.answer.dropFirst(piece.count)
    let isWhole = exchange.answer.isEmpty
    answer(
      unit, piece, isFinal: isWhole && unit.header.isFinal, continues: !isWhole, &exchange,
      in: session)
  }

  private func answer(
    _ unit: ProtocolDataUnit, _ data: [UInt8], isFinal: Bool, continues: Bool,
    _ exchange: inout TextExchange, in session: SimulatedSession
  ) {
    if !isFinal {
      exchange.targetTransferTag = makeTransferTag()
      textExchange = exchange
    }
    send(
      TextResponse(
        isFinal: isFinal, continues: continues, lun: unit.header.word1,
        initiatorTaskTag: unit.header.initiatorTaskTag,
        targetTransferTag: isFinal ? .reserved : exchange.targetTransferTag,
        statSN: takeStatSN(), expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN()
      ).header, data: data)
  }

  private func answers(to text: KeyValueText, in session: SimulatedSession) -> KeyValueText {
    var answers = KeyValueText()
    if text.pairs.isEmpty {
      for pair in session.target?.parameters.textKeys ?? [] { answers.append(pair.key, pair.value) }
    }
    for pair in text.pairs {
      switch pair.key {
      case "SendTargets":
        appendTargets(pair.value, in: session, to: &answers)
      case "MaxRecvDataSegmentLength":
        // Declared anew in full feature phase (RFC 7143, 13.12).
        guard let length = pair.value.textNumber, (512...16_777_215).contains(length) else {
          answers.append(pair.key, "Reject")
          continue
        }
        negotiated.maxSendDataSegmentLength = Int(length)
      case "InitiatorAlias":
        continue
      default:
        answers.append(pair.key, "NotUnderstood")
      }
    }
    return answers
  }

  /// All is for discovery sessions; an empty value means the session's own target.
  private func appendTargets(
    _ value: String, in session: SimulatedSession, to answers: inout KeyValueText
  ) {
    let named: [SimulatedTarget]
    switch (value, session.target) {
    case ("All", nil): named = portal.targets
    case ("All", _), ("", nil): return answers.append("SendTargets", "Reject")
    case ("", let own?): named = [own]
    default: named = portal.target(named: value).map { [$0] } ?? []
    }
    for target in named {
      answers.append("TargetName", target.name)
      for address in target.addresses ?? ["\(portal.address),\(portal.portalGroupTag)"] {
        answers.append("TargetAddress", address)
      }
    }
  }
}
