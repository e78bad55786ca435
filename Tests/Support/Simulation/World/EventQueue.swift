/// What happens when, in virtual time; what is due at the same moment happens in the order asked.
struct EventQueue {
  private struct Event {
    var moment: UInt64
    var number: UInt64
    var action: () -> Void

    func precedes(_ other: Event) -> Bool {
      moment == other.moment ? number < other.number : moment < other.moment
    }
  }

  /// A binary heap, the next event first.
  private var events: [Event] = []
  private var count: UInt64 = 0

  var nextMoment: UInt64? { events.first?.moment }

  mutating func add(at moment: UInt64, _ action: @escaping () -> Void) {
    events.append(Event(moment: moment, number: count, action: action))
    count += 1
    var child = events.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard events[child].precedes(events[parent]) else { break }
      events.swapAt(child, parent)
      child = parent
    }
  }

  /// Forgets what was still to happen.
  mutating func removeAll() { events = [] }

  /// Takes out the next event due at `moment`.
  mutating func popDue(at moment: UInt64) -> (() -> Void)? {
    guard let first = events.first, first.moment <= moment else { return nil }
    let last = events.removeLast()
    guard !events.isEmpty else { return first.action }
    events[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < events.count && events[child].precedes(events[least]) {
        least = child
      }
      guard least != parent else { return first.action }
      events.swapAt(parent, least)
      parent = least
    }
  }
}
