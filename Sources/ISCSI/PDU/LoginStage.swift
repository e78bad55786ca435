/// Where a login stands; 2 does not exist.
///
/// Source: RFC 7143, 11.12.3.
package enum LoginStage: UInt8, Sendable {
  case securityNegotiation = 0
  case operationalNegotiation = 1
  case fullFeaturePhase = 3
}
