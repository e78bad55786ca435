/// What every part of a run shares: the clock, the choices, the trace and the verdict.
final class World {
  static let millisecond: UInt64 = 1_000_000
  static let second: UInt64 = 1_000_000_000

  let scenario: Scenario
  let bug: PlantedBug?
  var random: RandomSource
  /// Virtual monotonic nanoseconds.
  private(set) var now: UInt64 = 1_000 * World.second
  private var queue = EventQueue()
  var trace = Trace()
  /// Room for the largest message of a kernel, and more than a turn sends.
  var room = [UInt8](repeating: 0, count: 1 << 18)
  private(set) var faults = [Int](repeating: 0, count: FaultKind.allCases.count)
  /// While false nothing goes wrong any more.
  var isFaulty = true
  /// A daemon serves the LUNs' files.
  var isServed = false
  /// The first rule that was broken, in a sentence.
  private(set) var violation: String?

  init(seed: UInt64, bug: PlantedBug?) {
    var random = RandomSource(seed: seed)
    scenario = Scenario(seed: seed, &random)
    self.random = random
    self.bug = bug
  }

  func violate(_ sentence: @autoclosure () -> String) {
    guard violation == nil else { return }
    violation = sentence()
  }

  func note(_ kind: Trace.Kind, _ first: Int, _ second: UInt64 = 0, _ third: UInt64 = 0) {
    trace.note(now, kind, UInt64(first), second, third)
  }

  /// Counts a fault that is injected now.
  func inject(_ kind: FaultKind, _ first: Int = 0, _ second: Int = 0) {
    faults[kind.rawValue] += 1
    note(.fault, kind.rawValue, UInt64(first), UInt64(second))
  }

  /// The same for a fault of the second family's: no other draws for it.
  func wantsInRecovery(_ permille: Int) -> Bool { scenario.recovery != nil && wants(permille) }

  /// Whether a fault is to be injected that comes so often in a thousand, scaled by the scenario.
  func wants(_ permille: Int) -> Bool {
    isFaulty && random.below(100_000) < permille * scenario.intensity
  }

  func after(_ nanoseconds: UInt64, _ action: @escaping () -> Void) {
    queue.add(at: now + nanoseconds, action)
  }

  func at(_ moment: UInt64, _ action: @escaping () -> Void) {
    queue.add(at: max(moment, now), action)
  }

  var nextMoment: UInt64? { queue.nextMoment }

  /// Lets time pass and what is due happen.
  func advance(to moment: UInt64) {
    now = max(now, moment)
    while violation == nil, let action = queue.popDue(at: now) { action() }
  }

  /// Nothing happens any more: what was planned holds on to who would have done it, and to the
  /// world.
  func end() { queue.removeAll() }
}
