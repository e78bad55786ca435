/// ExpStatSN of each connection of a session, by CID.
package struct StatusNumbers: BitwiseCopyable, Equatable, Sendable {
  /// Connections of a session, at most.
  package static let capacity = 8

  /// CID above, ExpStatSN below.
  private var numbers = InlineArray<8, UInt64>(repeating: 0)
  private var count = 0

  package init() {}

  /// Nil for a connection that is not there.
  package subscript(connectionID: UInt16) -> UInt32? {
    for index in 0..<count where numbers[index] >> 32 == UInt64(connectionID) {
      return UInt32(truncatingIfNeeded: numbers[index])
    }
    return nil
  }

  /// Notes one more connection; beyond the capacity it is left out.
  package mutating func add(_ connectionID: UInt16, expStatSN: UInt32) {
    guard count < Self.capacity else { return }
    numbers[count] = UInt64(connectionID) << 32 | UInt64(expStatSN)
    count += 1
  }

  package static func == (left: StatusNumbers, right: StatusNumbers) -> Bool {
    left.count == right.count
      && (0..<left.count).allSatisfy { left.numbers[$0] == right.numbers[$0] }
  }
}
