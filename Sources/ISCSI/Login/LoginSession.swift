/// What a login is for.
///
/// Source: RFC 7143, 6.3 and 13.21 (SessionType).
package enum LoginSession: Equatable, Sendable {
  /// A session that can only list targets.
  case discovery
  /// The first connection of a session; also reinstates one of the same ISID.
  case normal(targetName: String)
  /// A further connection of the session with handle `tsih`, or a dead one's replacement.
  case connection(targetName: String, tsih: UInt16, session: NegotiatedParameters)

  var targetName: String? {
    switch self {
    case .discovery: nil
    case .normal(let name), .connection(let name, _, _): name
    }
  }

  /// The handle every request carries; zero asks for a new session.
  var tsih: UInt16 {
    if case .connection(_, let tsih, _) = self { tsih } else { 0 }
  }

  var scope: OperationalNegotiation.Scope {
    switch self {
    case .discovery: .discovery
    case .normal: .leading
    case .connection(_, _, let session): .additional(session)
    }
  }
}
