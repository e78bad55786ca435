/// The numbers of one sequence with an entry for each: whether its PDU has come.
///
/// Numbers are counted from the first one and never wrap.
/// Source: RFC 7143, 7.9.
struct NumberModel {
  /// Runs apart from each other, and numbers in one, that are kept track of.
  private static let (runLimit, longestRun) = (8, 4_096)

  /// Every number below has come.
  private var base = 0
  /// Of the numbers from `base` on.
  private var hasCome: [Bool] = []
  /// Where numbers begin that were found missing together: they stay a run of their own.
  private var openings: Set<Int> = []

  /// So many numbers are known to have been used.
  var known: Int { base + hasCome.count }

  var missing: [Int] { (base..<known).filter(isMissing) }

  var firstMissing: Int { missing.first ?? known }

  func isMissing(_ number: Int) -> Bool {
    hasCome.indices.contains(number - base) && !hasCome[number - base]
  }

  func isNew(_ number: Int) -> Bool { number >= known || isMissing(number) }

  private var runCount: Int {
    missing.count { !isMissing($0 - 1) || openings.contains($0) }
  }

  /// Whether a run stays in bounds when numbers up to `end` have been used.
  func isNear(_ end: Int) -> Bool { end - known <= Self.longestRun }

  /// Whether the runs stay in bounds when numbers up to `end` have been used.
  func hasRoom(upTo end: Int) -> Bool { end <= known || runCount < Self.runLimit }

  /// Whether the runs stay in bounds when this new number comes.
  func hasRoom(for number: Int) -> Bool {
    guard isMissing(number) else { return hasRoom(upTo: number) }
    var after = self
    after.hasCome[number - base] = true
    return after.runCount <= Self.runLimit
  }

  /// Numbers up to `end` have been used, and there are too many runs: all from the first one on are
  /// one.
  mutating func join(upTo end: Int) {
    let end = max(known, end)
    forget(from: firstMissing)
    _ = know(upTo: end)
  }

  /// All from `start` on are missing, as far as they are known to have been used.
  mutating func lose(from start: Int) {
    let end = known
    forget(from: start)
    _ = know(upTo: end)
  }

  /// Every number below `start` has come, and none is known from there on.
  mutating func restart(at start: Int) {
    (base, hasCome, openings) = (start, [], [])
  }

  /// Numbers up to `end` have been used; returns those nobody knew of.
  mutating func know(upTo end: Int) -> Range<Int> {
    guard end > known else { return known..<known }
    let found = known..<end
    openings.insert(known)
    hasCome += repeatElement(false, count: found.count)
    return found
  }

  /// A number that is new comes; returns those before it nobody knew of.
  mutating func arrive(_ number: Int) -> Range<Int> {
    let found = know(upTo: number)
    if number == known { hasCome.append(true) } else { hasCome[number - base] = true }
    return found
  }

  /// What came from `start` on comes again.
  mutating func forget(from start: Int) {
    hasCome.removeSubrange((start - base)...)
    openings = openings.filter { $0 < start }
  }
}

/// How often each number was asked for.
struct AskedNumbers {
  private var times: [Int: Int] = [:]

  /// A run is asked for: whole the first time, one by one when it came damaged; never what came.
  mutating func ask(
    _ run: Range<Int>, isAgain: Bool, isMissing: (Int) -> Bool
  ) throws(Disagreement) {
    if isAgain { try agree(run.count, 1, "numbers asked for again") }
    for number in run {
      try hold(isMissing(number), "only what is missing is asked for: \(number)")
      try agree(times[number] != nil, isAgain, "number \(number) was asked for before")
      times[number, default: 0] += 1
    }
  }

  /// All of these are asked for at once, whatever was before.
  mutating func cover(_ numbers: [Int]) {
    for number in numbers { times[number, default: 0] += 1 }
  }

  func holds(all numbers: [Int]) -> Bool { numbers.allSatisfy { times[$0] != nil } }

  mutating func forget(from start: Int) { times = times.filter { $0.key < start } }
}
