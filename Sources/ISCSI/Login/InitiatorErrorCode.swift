/// The numbers administrators know from open-iscsi: exit codes of its programs, shown with names.
///
/// Source: open-iscsi, include/iscsi_err.h.
package enum InitiatorErrorCode: UInt8, CaseIterable, Sendable {
  case success = 0
  case generic = 1
  case sessionNotFound = 2
  case noMemory = 3
  case transport = 4
  case login = 5
  case database = 6
  case invalid = 7
  case transportTimeout = 8
  case `internal` = 9
  case logout = 10
  case pduTimeout = 11
  case transportNotFound = 12
  case access = 13
  case transportCapabilities = 14
  case sessionExists = 15
  case invalidManagementRequest = 16
  case isnsUnavailable = 17
  case daemonCommunication = 18
  case fatalLogin = 19
  case daemonNotConnected = 20
  case noObjectsFound = 21
  case sysfsLookup = 22
  case hostNotFound = 23
  case loginAuthenticationFailed = 24
  case isnsQuery = 25
  case isnsRegistrationFailed = 26
  case operationNotSupported = 27
  case busy = 28
  case again = 29
  case unknownDiscoveryType = 30
  case childTerminated = 31
  case sessionNotConnected = 32
  case requestTimedOut = 33

  /// The name without its `ISCSI_ERR_`.
  package var name: String {
    switch self {
    case .success: "SUCCESS"
    case .generic: "ERR"
    case .sessionNotFound: "SESS_NOT_FOUND"
    case .noMemory: "NOMEM"
    case .transport: "TRANS"
    case .login: "LOGIN"
    case .database: "IDBM"
    case .invalid: "INVAL"
    case .transportTimeout: "TRANS_TIMEOUT"
    case .internal: "INTERNAL"
    case .logout: "LOGOUT"
    case .pduTimeout: "PDU_TIMEOUT"
    case .transportNotFound: "TRANS_NOT_FOUND"
    case .access: "ACCESS"
    case .transportCapabilities: "TRANS_CAPS"
    case .sessionExists: "SESS_EXISTS"
    case .invalidManagementRequest: "INVALID_MGMT_REQ"
    case .isnsUnavailable: "ISNS_UNAVAILABLE"
    case .daemonCommunication: "ISCSID_COMM_ERR"
    case .fatalLogin: "FATAL_LOGIN"
    case .daemonNotConnected: "ISCSID_NOTCONN"
    case .noObjectsFound: "NO_OBJS_FOUND"
    case .sysfsLookup: "SYSFS_LOOKUP"
    case .hostNotFound: "HOST_NOT_FOUND"
    case .loginAuthenticationFailed: "LOGIN_AUTH_FAILED"
    case .isnsQuery: "ISNS_QUERY"
    case .isnsRegistrationFailed: "ISNS_REG_FAILED"
    case .operationNotSupported: "OP_NOT_SUPP"
    case .busy: "BUSY"
    case .again: "AGAIN"
    case .unknownDiscoveryType: "UNKNOWN_DISCOVERY_TYPE"
    case .childTerminated: "CHILD_TERMINATED"
    case .sessionNotConnected: "SESSION_NOT_CONNECTED"
    case .requestTimedOut: "REQ_TIMEDOUT"
    }
  }
}
