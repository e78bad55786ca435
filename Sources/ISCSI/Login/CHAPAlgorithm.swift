import Crypto

/// A hash CHAP can be done with, by its number in CHAP_A.
///
/// Source: RFC 7143, 12.1.3 (5 and 6 are MD5 and SHA-1); IANA, PPP Authentication Algorithms
/// (7 is SHA-256, 8 is SHA3-256).
package enum CHAPAlgorithm: UInt8, CaseIterable, Sendable {
  case md5 = 5
  case sha1 = 6
  case sha256 = 7
  case sha3of256 = 8

  /// The bytes of a response.
  package var responseByteCount: Int {
    switch self {
    case .md5: Insecure.MD5.byteCount
    case .sha1: Insecure.SHA1.byteCount
    case .sha256: SHA256.byteCount
    case .sha3of256: SHA3_256.byteCount
    }
  }

  /// The response to a challenge: the hash of identifier, secret and challenge in that order.
  ///
  /// Source: RFC 1994, 4.1.
  package func response(identifier: UInt8, secret: [UInt8], challenge: [UInt8]) -> [UInt8] {
    let message = [identifier] + secret + challenge
    return switch self {
    case .md5: Array(Insecure.MD5.hash(data: message))
    case .sha1: Array(Insecure.SHA1.hash(data: message))
    case .sha256: Array(SHA256.hash(data: message))
    case .sha3of256: Array(SHA3_256.hash(data: message))
    }
  }
}
