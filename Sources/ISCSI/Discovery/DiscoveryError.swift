package import Wire

/// Why a discovery session broke off; what it told before stays in `DiscoveryMachine.targets`.
package enum DiscoveryError: Error, Equatable, Sendable {
  /// A PDU that has no place in a discovery session.
  case unexpectedPDU(Opcode)
  case alreadyEnded
  case additionalHeader(byteCount: Int)
  case dataSegmentTooLong(byteCount: Int)
  /// The target rejected a request; the reason's byte.
  case rejected(UInt8)
  case initiatorTaskTag(InitiatorTaskTag)
  case statSN(SerialNumber, expected: SerialNumber)
  /// F and C together, or more text promised without a tag to ask for it by.
  case continuation
  case tooManyExchanges(limit: Int)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .unexpectedPDU(let opcode): "\(opcode.name) arrived during discovery"
    case .alreadyEnded: "a PDU arrived after discovery had ended"
    case .additionalHeader(let byteCount): "a PDU has \(byteCount) bytes of additional header"
    case .dataSegmentTooLong(let byteCount): "a PDU carries \(byteCount) bytes, more than agreed"
    case .rejected(let reason):
      "the target rejects the request for its targets (reason 0x\(String(reason, radix: 16)))"
    case .initiatorTaskTag(let tag):
      "the target answers task 0x\(String(tag.rawValue, radix: 16)), which was not sent"
    case .statSN(let found, let expected):
      "the target sends StatSN \(found.rawValue) where \(expected.rawValue) was due"
    case .continuation: "Text Response breaks the rules of the F and C bits"
    case .tooManyExchanges(let limit): "the list of targets did not end in \(limit) exchanges"
    }
  }

  /// True when nothing was wrong but that the list went on.
  package var isEndless: Bool {
    if case .tooManyExchanges = self { true } else { false }
  }

  /// open-iscsi's code.
  package var errorCode: InitiatorErrorCode {
    switch self {
    case .rejected: .operationNotSupported
    default: .transport
    }
  }
}
