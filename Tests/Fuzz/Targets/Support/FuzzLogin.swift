import ISCSI
import Wire

/// A login machine and a target that fills in what responses need to be believed.
///
/// Whatever the target says, every request is held to the rules of requests (RFC 7143, 11.12).
struct FuzzLogin {
  static let isid = ISID(random: 0x46_555A, qualifier: 1)

  let parameters: LoginParameters
  private(set) var machine: LoginMachine
  private(set) var request: ProtocolDataUnit
  private(set) var requestCount = 1
  private(set) var result: LoginResult?
  private(set) var portals: [Portal]?
  private(set) var error: LoginError?
  /// Everything the initiator said, with its keys.
  private(set) var allSaid: [TextParameter] = []
  private var statSN = SerialNumber(rawValue: 7)
  private var partial: [UInt8] = []

  init(
    session: LoginSession = .normal(targetName: "iqn.2026-11.org.example:fuzz"),
    _ change: (inout LoginParameters) -> Void = { _ in }
  ) {
    var parameters = LoginParameters(
      initiatorName: "iqn.2026-11.org.example:me", session: session, isid: Self.isid)
    change(&parameters)
    self.parameters = parameters
    machine = LoginMachine(parameters)
    request = machine.start()
    allSaid = NaiveText.parameters(of: request.data) ?? []
  }

  var view: LoginRequest { LoginRequest(request.header) }
  var asksToMoveOn: Bool { view.transits }
  var hasEnded: Bool { result != nil || portals != nil || error != nil }

  /// What the waiting request says.
  func said(_ key: String) -> String? {
    NaiveText.parameters(of: request.data)?.first { $0.key == key }?.value
  }

  /// A response that fits the waiting request, with `text`; what `change` does may spoil it.
  mutating func answer(
    _ text: [UInt8], next: LoginStage? = nil, continues: Bool = false, tsih: UInt16 = 0,
    change: (inout ProtocolDataUnit) -> Void = { _ in }
  ) throws(Disagreement) -> Bool {
    let response = LoginResponse(
      current: view.current ?? .securityNegotiation, next: next, continues: continues,
      isid: parameters.isid, tsih: tsih, initiatorTaskTag: parameters.initiatorTaskTag,
      statSN: statSN, expCmdSN: parameters.cmdSN, maxCmdSN: parameters.cmdSN.advanced(by: 31))
    var unit = ProtocolDataUnit(
      header: response.header, data: Array(text.prefix(LoginMachine.maximumDataSegmentLength)))
    change(&unit)
    statSN = unit.header.statSN.successor
    let action: LoginAction
    do { action = try machine.received(unit) } catch {
      self.error = error
      try holdSentence(error.sentence, of: "a login error")
      return false
    }
    switch action {
    case .send(let unit): try take(unit)
    case .completed(let result): self.result = result
    case .redirected(let portals, _): self.portals = portals
    }
    return !hasEnded
  }

  private mutating func take(_ unit: ProtocolDataUnit) throws(Disagreement) {
    let header = unit.header
    let before = view
    request = unit
    requestCount += 1
    try hold(requestCount <= LoginMachine.maximumExchangeCount, "a login has at most 32 requests")
    try agree(header.opcode, .loginRequest, "opcode")
    try hold(header.isImmediate, "a login request is immediate")
    try agree(header.initiatorTaskTag, parameters.initiatorTaskTag, "Initiator Task Tag")
    try agree(header.cmdSN, parameters.cmdSN, "CmdSN")
    try agree(header.expStatSN, statSN, "ExpStatSN")
    try agree(view.isid, parameters.isid, "ISID")
    try agree(view.connectionID, parameters.connectionID, "CID")
    try hold(unit.additionalHeader.isEmpty, "a login request has no additional header")
    try hold(unit.data.count <= LoginMachine.maximumDataSegmentLength, "a request has 8192 bytes")
    try hold(!(view.continues && view.transits), "C and T exclude each other")
    let stage = view.current?.rawValue ?? 2
    try hold(stage == 0 || stage == 1, "a request is of stage 0 or 1")
    try hold(stage >= before.current?.rawValue ?? 0, "a login never goes back")
    if view.transits {
      try hold((view.next?.rawValue ?? 2) > stage, "a request asks for a later stage")
    }
    partial += unit.data
    guard !view.continues else { return }
    let pairs = NaiveText.parameters(of: partial)
    partial = []
    guard let pairs else { throw Disagreement("a request's text is key=value") }
    allSaid += pairs
  }
}
