import ISCSI
import Wire

/// What a scripted target answers to Login Requests.
enum LoginAnswer {
  /// The answer that agrees to whatever stage was asked for.
  static func acceptance(of request: [UInt8]) -> [UInt8] {
    let asked = request.withRawSpan { BasicHeaderSegment(parsing: $0) }
    let login = LoginRequest(asked)
    let stage = login.current ?? .operationalNegotiation
    let text = stage == .securityNegotiation ? "AuthMethod=None\0" : ""
    return ProtocolDataUnit(
      header: LoginResponse(
        current: stage, next: login.next, isid: login.isid,
        tsih: login.next == .fullFeaturePhase ? 7 : 0,
        initiatorTaskTag: asked.initiatorTaskTag, statSN: asked.expStatSN,
        expCmdSN: asked.cmdSN, maxCmdSN: asked.cmdSN
      ).header, data: Array(text.utf8)
    ).encoded()
  }
}
