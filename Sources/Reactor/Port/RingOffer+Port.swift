package import FUSE
import LinuxIO

extension RingOffer {
  /// Entries of all queues together, and of each at least and at most: eight keep a near target
  /// busy, a far one takes more, and callers who wait at control files hold theirs meanwhile.
  private static let entryCount = 256
  private static let entriesPerQueue = 8...64

  /// The ring of a mount whose reactor is behind `port`; nil when there is no memory for it.
  package init?(for port: ReactorPort) {
    let queueCount = Processors.possibleCount
    let share = Self.entryCount / queueCount
    let memory = RingMemory(
      queueCount: queueCount,
      entriesPerQueue: min(
        max(share, Self.entriesPerQueue.lowerBound), Self.entriesPerQueue.upperBound),
      layout: SlotMemory.ringLayout)
    guard let memory else { return nil }
    self.init(
      exchange: RingExchange(memory: memory, laneCount: port.lanes.count) {
        port.lane($0).wakeup.signal()
      },
      register: { port.registerRing() })
  }
}
