import ISCSI

/// The StatSN of one connection as sets: those that came, and those held back.
///
/// Numbers are counted from the first one and never wrap.
/// Source: RFC 7143, 4.2.2.2 and 7.9.
struct StatusModel {
  typealias Run = NumberGaps.Run

  /// Numbers from the first one not acknowledged on that are kept track of, and that may be.
  private static let (reach, farthest) = (128, 4096)

  let first: UInt32
  private(set) var known = 0
  private var hasCome: Set<Int> = []
  private var held: Set<Int> = []
  /// Where ExpStatSN stood when all was asked for, and whether more was dropped since.
  private var askedAt: Int?
  private var owesAll = false

  init(first: UInt32) { self.first = first }

  /// Every number below has come and none of them is held.
  var expected: Int {
    var number = 0
    while hasCome.contains(number) && !held.contains(number) { number += 1 }
    return number
  }

  var missing: [Int] { (0..<known).filter { !hasCome.contains($0) } }

  func isMissing(_ number: Int) -> Bool { number < known && !hasCome.contains(number) }

  func wire(_ number: Int) -> UInt32 { first &+ UInt32(truncatingIfNeeded: number) }

  /// The number a StatSN stands for, nil when it is too far from the one expected to tell.
  func number(of wire: UInt32) -> Int? {
    let distance = Int32(bitPattern: wire &- self.wire(expected))
    return distance == .min || distance >= Self.farthest ? nil : expected + Int(distance)
  }

  func run(_ range: Range<Int>) -> Run? {
    range.isEmpty ? nil : Run(first: wire(range.lowerBound), count: UInt32(range.count))
  }

  mutating func know(upTo end: Int) -> Range<Int> {
    let found = known..<max(known, end)
    known = found.upperBound
    return found
  }

  /// Whether a number is too far ahead for its PDU to be taken.
  func isBeyond(_ number: Int) -> Bool { number - expected >= Self.reach }

  /// Numbers up to `end` have been used, more than are kept track of; whether all are asked for.
  mutating func overrun(upTo end: Int) -> Bool {
    known = max(known, end)
    owesAll = askedAt == expected
    guard !owesAll else { return false }
    askedAt = expected
    return true
  }

  /// What is to be done with a PDU of this number, and what is now known to be missing.
  mutating func arrive(
    _ number: Int, isOrdered: Bool, isHeld: Bool
  ) -> (StatusWindow.Arrival, Range<Int>) {
    guard number >= 0, !hasCome.contains(number) else { return (.duplicate, 0..<0) }
    if isOrdered, (0..<number).contains(where: { !hasCome.contains($0) }) {
      let found = know(upTo: number + 1)
      return (.early(missing: run(found)), found)
    }
    let found = know(upTo: number)
    _ = know(upTo: number + 1)
    hasCome.insert(number)
    if isHeld { held.insert(number) }
    return (.new(missing: takeOwed() ? .all : run(found)), found)
  }

  /// Whether what was dropped is to be asked for: ExpStatSN stands elsewhere than when all was.
  private mutating func takeOwed() -> Bool {
    guard owesAll, askedAt != expected else { return false }
    (owesAll, askedAt) = (false, expected)
    return true
  }

  /// A PDU of this number came damaged: what is asked for, and whether that had been before.
  mutating func lose(_ number: Int) -> (found: Range<Int>, isAgain: Bool)? {
    guard number >= 0, !hasCome.contains(number) else { return nil }
    let found = know(upTo: number + 1)
    return found.isEmpty ? (number..<number + 1, true) : (found, false)
  }

  /// A number may be acknowledged; whether all is asked for.
  mutating func release(_ number: Int) -> Bool {
    held.remove(number)
    return takeOwed()
  }
}
