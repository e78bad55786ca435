/// Our challenge to a target: random bytes that no other login has.
///
/// Source: RFC 7143, 12.1.3 and 9.2.1; RFC 1994, 4.1.
package struct CHAPChallenge: Equatable, Sendable {
  /// As many as the longest hash has: a shorter hash's challenge is the beginning.
  package static let byteCount = 32

  package let identifier: UInt8
  package let bytes: [UInt8]

  /// - Parameter bytes: `byteCount` random ones.
  package init(identifier: UInt8, bytes: [UInt8]) {
    precondition(bytes.count == Self.byteCount, "a challenge has its length")
    self.identifier = identifier
    self.bytes = bytes
  }

  /// A challenge drawn from `generator`, which must be one nobody can predict.
  package init(using generator: inout some RandomNumberGenerator) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(Self.byteCount)
    while bytes.count < Self.byteCount {
      var word = generator.next()
      for _ in 0..<8 {
        bytes.append(UInt8(truncatingIfNeeded: word))
        word >>= 8
      }
    }
    self.init(identifier: UInt8(truncatingIfNeeded: generator.next()), bytes: bytes)
  }

  /// Whether `challenge`, from a target, is this one come back.
  package func isReflected(in challenge: [UInt8]) -> Bool { bytes.starts(with: challenge) }
}
