import Wire

@testable import ISCSI

/// A login machine and the target of one test: responses are built from what the test says.
struct ScriptedLogin {
  static let isid = ISID(random: 0x12_3456, qualifier: 1)
  static let targetName = "iqn.2001-04.com.example:disk"

  var machine: LoginMachine
  /// The request that waits for an answer.
  var request: ProtocolDataUnit
  var statSN = SerialNumber(rawValue: 0)

  init(
    session: LoginSession = .normal(targetName: Self.targetName),
    _ change: (inout LoginParameters) -> Void = { _ in }
  ) {
    var parameters = LoginParameters(
      initiatorName: "iqn.2001-04.com.example:me", session: session, isid: Self.isid)
    change(&parameters)
    machine = LoginMachine(parameters)
    request = machine.start()
  }

  /// The pairs of the waiting request.
  var said: [TextParameter] {
    (try? TextParameter.parameters(parsing: request.data)) ?? []
  }

  func said(_ key: String) -> String? { said.first { $0.key == key }?.value }

  var view: LoginRequest { LoginRequest(request.header) }

  /// Answers the waiting request, and follows the action when it is another request.
  @discardableResult
  mutating func answer(
    _ text: String, current: LoginStage = .operationalNegotiation, next: LoginStage? = nil,
    tsih: UInt16 = 0, continues: Bool = false, change: (inout ProtocolDataUnit) -> Void = { _ in }
  ) throws(LoginError) -> LoginAction {
    let response = LoginResponse(
      current: current, next: next, continues: continues, isid: Self.isid, tsih: tsih,
      initiatorTaskTag: InitiatorTaskTag(rawValue: 0), statSN: statSN,
      expCmdSN: SerialNumber(rawValue: 1), maxCmdSN: SerialNumber(rawValue: 32))
    statSN = statSN.successor
    var unit = ProtocolDataUnit(header: response.header, data: Array(text.utf8))
    change(&unit)
    let action = try machine.received(unit)
    if case .send(let next) = action { request = next }
    return action
  }

  /// Answers the security stage with AuthMethod=None.
  mutating func passSecurity() throws(LoginError) {
    try answer("AuthMethod=None\0", current: .securityNegotiation, next: .operationalNegotiation)
  }

  /// The last response of the login, with `text`.
  mutating func finish(_ text: String = "") throws(LoginError) -> LoginResult? {
    let action = try answer(text, next: .fullFeaturePhase, tsih: 0x1234)
    if case .completed(let result) = action { return result }
    return nil
  }

  /// A whole login whose operational answers are `text`.
  static func negotiate(
    _ text: String, _ change: (inout OperationalParameters) -> Void = { _ in }
  ) throws(LoginError) -> NegotiatedParameters? {
    var operational = OperationalParameters()
    change(&operational)
    var login = ScriptedLogin { $0.operational = operational }
    try login.passSecurity()
    return try login.finish(text)?.negotiated
  }
}
