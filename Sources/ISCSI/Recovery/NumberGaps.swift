/// Which numbers of a sequence are missing: DataSN of a read, R2TSN of a write.
///
/// Runs are bounded in number: with more of them everything from the first hole on counts as
/// missing, and is asked for at once. They are bounded in length: beyond it the session starts
/// over. Numbers wrap as serial numbers do.
/// Source: RFC 7143, 7.9 and 11.16.
package struct NumberGaps: BitwiseCopyable, Sendable {
  /// Runs apart from each other, at most.
  package static let capacity = 8
  /// Numbers in one run, at most: more than the PDUs of any transfer of ours.
  package static let longestRun: UInt32 = 4096

  /// Numbers one behind the other, as a SNACK asks for them.
  package struct Run: BitwiseCopyable, Equatable, Sendable {
    /// All that is not acknowledged (BegRun and RunLength 0).
    package static var all: Run { Run(first: 0, count: 0) }

    package var first: UInt32
    /// 0 for all from `first` on.
    package var count: UInt32

    package init(first: UInt32, count: UInt32) {
      self.first = first
      self.count = count
    }
  }

  /// The number behind the last one known to have been used.
  package private(set) var next: UInt32
  private var runCount: UInt8 = 0
  /// In no order.
  private var runs = InlineArray<8, Run>(repeating: Run(first: 0, count: 0))

  /// - Parameter firstNumber: zero but for tests of the wrap.
  package init(firstNumber: UInt32 = 0) { next = firstNumber }

  /// Whether everything known to have been sent has come.
  package var isEmpty: Bool { runCount == 0 }

  /// The first number that has not come: every one before it has.
  package var firstMissing: UInt32 {
    var distance: UInt32 = 0
    for index in 0..<Int(runCount) { distance = max(distance, next &- runs[index].first) }
    return next &- distance
  }

  /// Whether the PDU with this number has not come yet; every other is a duplicate.
  package func isNew(_ number: UInt32) -> Bool { isAhead(number) || isMissing(number) }

  /// Whether the PDU with this number is known to have been sent and has not come.
  package func isMissing(_ number: UInt32) -> Bool { run(of: number) != nil }

  /// Counts the PDU with a number that is new; traps on a duplicate.
  ///
  /// - Returns: the numbers before it that are now known to be missing; `all` where there are more
  ///   holes than are kept track of: what came behind the first one counts as missing again, this
  ///   PDU with it.
  package mutating func arrive(_ number: UInt32) throws(ProtocolViolation) -> Run? {
    guard let index = run(of: number) else {
      precondition(isAhead(number), "a duplicate is not counted")
      let gap = try open(upTo: number)
      next = number &+ 1
      if gap == .all { joinHoles() }
      return gap
    }
    let run = runs[index]
    let before = Run(first: run.first, count: number &- run.first)
    let behind = Run(first: number &+ 1, count: run.count - before.count - 1)
    guard before.count == 0 || behind.count == 0 || Int(runCount) < Self.capacity else {
      joinHoles()
      return .all
    }
    runCount -= 1
    runs[index] = runs[Int(runCount)]
    if before.count > 0 { add(before) }
    if behind.count > 0 { add(behind) }
    return nil
  }

  /// Everything from a number on counts as missing, as far as it is known to have been sent.
  package mutating func lose(from number: UInt32) {
    runCount = 0
    if next != number { add(Run(first: number, count: next &- number)) }
  }

  /// Notes that the PDU with a number came and cannot be used.
  ///
  /// - Returns: what is to be asked for, and whether it had been before; nil for a duplicate. `all`
  ///   as `arrive` has it.
  package mutating func lose(
    _ number: UInt32
  ) throws(ProtocolViolation) -> (run: Run, isAgain: Bool)? {
    if run(of: number) != nil { return (Run(first: number, count: 1), true) }
    guard isAhead(number) else { return nil }
    return try open(upTo: number &+ 1).map { ($0, false) }
  }

  /// Takes the sender's word for how many it has sent.
  ///
  /// - Returns: the numbers that are now known to be missing.
  package mutating func extend(to count: UInt32) throws(ProtocolViolation) -> Run? {
    isAhead(count) ? try open(upTo: count) : nil
  }

  private func isAhead(_ number: UInt32) -> Bool { Int32(bitPattern: number &- next) >= 0 }

  private func run(of number: UInt32) -> Int? {
    for index in 0..<Int(runCount) where number &- runs[index].first < runs[index].count {
      return index
    }
    return nil
  }

  /// Everything from `next` up to `end` is missing.
  private mutating func open(upTo end: UInt32) throws(ProtocolViolation) -> Run? {
    let gap = Run(first: next, count: end &- next)
    guard gap.count > 0 else { return nil }
    guard gap.count <= Self.longestRun else {
      throw .tooManyMissing(limit: Int(Self.longestRun))
    }
    next = end
    guard Int(runCount) < Self.capacity else {
      joinHoles()
      return .all
    }
    add(gap)
    return gap
  }

  private mutating func joinHoles() { lose(from: firstMissing) }

  private mutating func add(_ run: Run) {
    precondition(Int(runCount) < Self.capacity, "who adds a run has seen that there is room")
    runs[Int(runCount)] = run
    runCount += 1
  }
}
