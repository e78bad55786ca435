package import Wire

/// Why a login did not come about; every case ends the connection.
///
/// Source: RFC 7143, 6.3 and 11.13.
package enum LoginError: Error, Equatable, Sendable {
  /// The target said no (status class 2, 3 or one nobody defined).
  case refused(LoginStatus)
  case authentication(AuthenticationError)
  case text(TextError)
  /// A PDU that has no place in a login.
  case unexpectedPDU(Opcode)
  /// Anything at all after the login had ended.
  case alreadyEnded
  case additionalHeader(byteCount: Int)
  case dataSegmentTooLong(byteCount: Int)
  case version(maximum: UInt8, active: UInt8)
  case initiatorTaskTag(InitiatorTaskTag)
  case isid(ISID)
  case tsih(UInt16)
  case statSN(SerialNumber, expected: SerialNumber)
  /// CSG is not the stage the login is in, or the stage does not exist.
  case currentStage(UInt8)
  /// T without our asking, or to a stage beyond the asked or not beyond the current.
  case transition(UInt8)
  /// C and T in one response, or text while ours was not complete.
  case continuation
  case tooManyExchanges(limit: Int)
  case repeatedKey(String)
  /// An answer the key's function cannot make of our offer.
  case illegalAnswer(TextParameter, offer: String)
  /// A condition of ours the target passed over in silence.
  case unanswered(String)
  case firstBurstAboveMaxBurst(first: UInt32, maximum: UInt32)
  case targetPortalGroupTag(UInt16, expected: UInt16)
  /// A redirection without one usable TargetAddress.
  case redirectedNowhere

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .refused(let status): "the target refused the login: \(status) (\(status.code))"
    case .authentication(let error): error.sentence
    case .text(let error): error.sentence
    case .unexpectedPDU(let opcode): "\(opcode.name) arrived during login"
    case .alreadyEnded: "a PDU arrived after the login had ended"
    case .additionalHeader(let byteCount):
      "Login Response has \(byteCount) bytes of additional header"
    case .dataSegmentTooLong(let byteCount):
      "Login Response carries \(byteCount) bytes; 8192 are allowed during login"
    case .version(let maximum, let active):
      "the target speaks version \(active) of at most \(maximum); only version 0 exists"
    case .initiatorTaskTag(let tag):
      "Login Response is for task 0x\(String(tag.rawValue, radix: 16)), which is not the login"
    case .isid(let isid): "Login Response names ISID \(isid), which is not ours"
    case .tsih(0): "the target gave the session no handle (TSIH 0)"
    case .tsih(let tsih): "Login Response names session 0x\(String(tsih, radix: 16)), not ours"
    case .statSN(let found, let expected):
      "Login Response has StatSN \(found.rawValue) where \(expected.rawValue) was due"
    case .currentStage(let stage): "Login Response is for stage \(stage), where the login is not"
    case .transition(let stage): "the target moves to stage \(stage) without being asked"
    case .continuation: "Login Response breaks the rules of the C bit"
    case .tooManyExchanges(let limit): "the login did not end in \(limit) exchanges"
    case .repeatedKey(let key): "the target negotiates \(key.excerpt) twice"
    case .illegalAnswer(let answer, let offer):
      "the target answers \(answer.key.excerpt)=\(answer.value.excerpt) to the offer \(offer)"
    case .unanswered(let key): "the target does not answer \(key), which is required here"
    case .firstBurstAboveMaxBurst(let first, let maximum):
      "FirstBurstLength=\(first) is above MaxBurstLength=\(maximum)"
    case .targetPortalGroupTag(let found, let expected):
      "the portal belongs to group \(found), where group \(expected) was expected"
    case .redirectedNowhere: "the target redirects the login without a usable TargetAddress"
    }
  }

  /// open-iscsi's code.
  package var errorCode: InitiatorErrorCode {
    switch self {
    case .refused(let status): status.errorCode
    case .authentication: .loginAuthenticationFailed
    case .repeatedKey, .illegalAnswer, .unanswered, .firstBurstAboveMaxBurst, .version,
      .targetPortalGroupTag:
      .fatalLogin
    default: .login
    }
  }
}
