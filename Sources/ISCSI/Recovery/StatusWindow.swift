package import Wire

/// Which StatSN have come on a connection, in order or not.
///
/// A status may be *held*: it has come and must not be acknowledged yet, because data of its task
/// are missing. What bears a number too far ahead to be kept is not taken: all that is not
/// acknowledged is asked for, once while ExpStatSN stays where it is. Farther still is a violation.
/// Source: RFC 7143, 4.2.2.2, 7.9 and 11.16.
package struct StatusWindow: BitwiseCopyable, Sendable {
  package typealias Run = NumberGaps.Run

  /// Numbers kept track of from the first one not acknowledged on.
  package static let capacity: Int32 = 128
  /// As far ahead a target may be that has more to answer than is kept: from there on it is wrong.
  package static let farthest: Int32 = 4096

  /// What to do with a PDU that bears a StatSN.
  package enum Arrival: BitwiseCopyable, Equatable, Sendable {
    /// Take it; ask for what is missing before it.
    case new(missing: Run?)
    /// It has come before.
    case duplicate
    /// Do not take it before what is missing has come; ask for that, and for it.
    case early(missing: Run?)
    /// Do not take it: it comes again with all that is not acknowledged; ask for that.
    case beyond(missing: Run?)
  }

  /// The first number not acknowledged (ExpStatSN).
  package private(set) var expected: SerialNumber
  /// So many numbers from `expected` on are known to have been used.
  private var known: Int32 = 0
  /// Bit n: `expected` + n has come.
  private var arrived: UInt128 = 0
  /// Those of them that must not be acknowledged yet.
  private var held: UInt128 = 0
  /// All that is not acknowledged has been asked for since `expected` last moved.
  private var hasAskedForAll = false
  /// Since then more came that was not taken: they are asked for when it moves.
  private var owesAll = false

  package init(expected: SerialNumber) { self.expected = expected }

  /// How many are known to have been sent and have not come.
  package var missingCount: Int { Int(known) - arrived.nonzeroBitCount }

  /// Counts a number as at ErrorRecoveryLevel 0: it is the one expected.
  mutating func advance() { expected = expected.successor }

  /// Counts the StatSN of a PDU.
  ///
  /// - Parameters:
  ///   - isOrdered: the PDU means something else before those with lower numbers.
  ///   - isHeld: it must not be acknowledged before `release`.
  package mutating func arrive(
    _ number: SerialNumber, isOrdered: Bool = false, isHeld: Bool = false
  ) throws(ProtocolViolation) -> Arrival {
    guard let offset = try offset(of: number) else { return .duplicate }
    guard offset < Self.capacity else { return .beyond(missing: overrun(upTo: offset + 1)) }
    let bit = UInt128(1) << UInt128(offset)
    guard arrived & bit == 0 else { return .duplicate }
    if isOrdered, ~arrived & (bit - 1) != 0 { return .early(missing: know(upTo: offset + 1)) }
    let missing = know(upTo: offset)
    known = max(known, offset + 1)
    arrived |= bit
    if isHeld { held |= bit }
    acknowledge()
    return .new(missing: takeOwed() ?? missing)
  }

  /// Notes that a PDU with this number came and cannot be used.
  ///
  /// - Returns: what is to be asked for, and whether it had been before; nil for a duplicate.
  package mutating func lose(
    _ number: SerialNumber
  ) throws(ProtocolViolation) -> (run: Run, isAgain: Bool)? {
    guard let offset = try offset(of: number) else { return nil }
    guard offset < Self.capacity else { return overrun(upTo: offset + 1).map { ($0, false) } }
    guard arrived & UInt128(1) << UInt128(offset) == 0 else { return nil }
    if let run = know(upTo: offset + 1) { return (run, false) }
    return (Run(first: number.rawValue, count: 1), true)
  }

  /// Notes the number the target will use next; returns what is now known to be missing.
  package mutating func note(next number: SerialNumber) throws(ProtocolViolation) -> Run? {
    guard let offset = try offset(of: number), offset > 0 else { return nil }
    guard offset <= Self.capacity else { return overrun(upTo: offset) }
    return know(upTo: offset)
  }

  /// A held status may be acknowledged; returns what is to be asked for now that `expected` moves.
  package mutating func release(_ number: SerialNumber) -> Run? {
    let offset = number.distance(from: expected)
    guard offset >= 0, offset < Self.capacity else { return nil }
    held &= ~(UInt128(1) << UInt128(offset))
    acknowledge()
    return takeOwed()
  }

  /// How far a number lies ahead, nil when it has been acknowledged.
  private func offset(of number: SerialNumber) throws(ProtocolViolation) -> Int32? {
    let distance = number.distance(from: expected)
    // Half a turn away is neither before nor behind (4.2.2.2).
    guard distance != .min, distance < Self.farthest else {
      throw .statSN(expected: expected.rawValue, found: number.rawValue)
    }
    return distance < 0 ? nil : distance
  }

  /// Numbers below `expected` + `end` have been used; returns those nobody knew of.
  private mutating func know(upTo end: Int32) -> Run? {
    guard end > known else { return nil }
    defer { known = end }
    return Run(
      first: expected.advanced(by: UInt32(known)).rawValue, count: UInt32(end - known))
  }

  /// Notes that numbers have been used that are not kept track of; nil where all were asked for.
  private mutating func overrun(upTo end: Int32) -> Run? {
    known = max(known, end)
    owesAll = hasAskedForAll
    guard !hasAskedForAll else { return nil }
    hasAskedForAll = true
    return .all
  }

  /// What was not taken since all was asked for, once `expected` has moved.
  private mutating func takeOwed() -> Run? {
    guard owesAll, !hasAskedForAll else { return nil }
    (owesAll, hasAskedForAll) = (false, true)
    return .all
  }

  private mutating func acknowledge() {
    let count = Int32((~(arrived & ~held)).trailingZeroBitCount)
    if count > 0 { hasAskedForAll = false }
    arrived >>= UInt128(count)
    held >>= UInt128(count)
    known -= count
    expected = expected.advanced(by: UInt32(count))
  }
}
