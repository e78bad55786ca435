import ISCSI
import Wire

/// How far a login has come.
struct LoginProgress {
  var initiatorName = ""
  var isDiscovery = false
  var target: SimulatedTarget?
  /// The session a non-zero TSIH names: the connection becomes one of its own.
  var joined: SimulatedSession?
  var isid = ISID(rawValue: 0)
  var initiatorTaskTag = InitiatorTaskTag.reserved
  var cmdSN = SerialNumber(rawValue: 0)
  var stage = LoginStage.securityNegotiation
  var isFirst = true
  var hasToldPortalGroupTag = false
  var isAuthenticated = false
  var chap: CHAPAuthenticator?
  var negotiation: OperationalNegotiation?
  /// Text of requests with the C bit.
  var text: [UInt8] = []
}

/// A login's end with a status other than success (RFC 7143, 11.13.5).
struct LoginFailure: Error, Equatable {
  var statusClass: UInt8
  var statusDetail: UInt8
  var text = KeyValueText()

  init(_ statusClass: UInt8, _ statusDetail: UInt8, text: KeyValueText = KeyValueText()) {
    self.statusClass = statusClass
    self.statusDetail = statusDetail
    self.text = text
  }

  static let initiatorError = LoginFailure(2, 0x00)
  static let authenticationFailure = LoginFailure(2, 0x01)
  static let targetNotFound = LoginFailure(2, 0x03)
  static let unsupportedVersion = LoginFailure(2, 0x05)
  static let tooManyConnections = LoginFailure(2, 0x06)
  static let missingParameter = LoginFailure(2, 0x07)
  static let sessionTypeNotSupported = LoginFailure(2, 0x09)
  static let sessionDoesNotExist = LoginFailure(2, 0x0A)
  static let invalidDuringLogin = LoginFailure(2, 0x0B)
}
