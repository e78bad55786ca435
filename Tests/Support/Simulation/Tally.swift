/// What many runs come to.
package struct Tally: Sendable {
  package private(set) var runCount = 0
  package private(set) var requestCount = 0
  package private(set) var eventCount = 0
  private var faults = [Int](repeating: 0, count: FaultKind.allCases.count)

  package init() {}

  package mutating func add(_ outcome: Outcome) {
    runCount += 1
    requestCount += outcome.requestCount
    eventCount += outcome.eventCount
    for kind in faults.indices { faults[kind] += outcome.faults[kind] }
  }

  package func count(of kind: FaultKind) -> Int { faults[kind.rawValue] }

  package var faultCount: Int { faults.reduce(0, +) }

  /// A line of sums and one for each kind of fault.
  package var text: String {
    "\(runCount) seeds, \(requestCount) requests, \(eventCount) events, \(faultCount) faults:"
      + FaultKind.allCases.map { "\n  \(faults[$0.rawValue]) \($0)" }.joined()
  }
}
