/// Changes the bytes of one connection on their way, one direction of it.
package protocol StreamFilter: Sendable {
  /// Changes made so far.
  var count: Int { get }

  /// The bytes that go on in place of `bytes`.
  mutating func pass(_ bytes: ArraySlice<UInt8>) -> [UInt8]
}
