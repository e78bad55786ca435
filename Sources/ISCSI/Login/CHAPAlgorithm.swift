import Crypto

/// A hash CHAP can be done with, by its number in CHAP_A.
///
/// Source: RFC 7143, 12.1.3; RFC 1994, 3.
package enum CHAPAlgorithm: UInt8, CaseIterable, Sendable {
  case md5 = 5

  /// The response to a challenge: the hash of identifier, secret and challenge in that order.
  package func response(identifier: UInt8, secret: [UInt8], challenge: [UInt8]) -> [UInt8] {
    switch self {
    case .md5:
      var hash = Insecure.MD5()
      hash.update(data: [identifier])
      hash.update(data: secret)
      hash.update(data: challenge)
      return Array(hash.finalize())
    }
  }
}
