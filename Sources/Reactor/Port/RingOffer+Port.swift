package import FUSE
import LinuxIO

extension RingOffer {
  /// Entries a queue has: enough to keep a target busy from one processor.
  private static let entriesPerQueue = 16

  /// The ring of a mount whose reactor is behind `port`; nil when there is no memory for it.
  package init?(for port: ReactorPort) {
    let memory = RingMemory(
      queueCount: Processors.possibleCount, entriesPerQueue: Self.entriesPerQueue,
      layout: SlotMemory.ringLayout)
    guard let memory else { return nil }
    self.init(
      exchange: RingExchange(memory: memory, laneCount: port.lanes.count) {
        port.lane($0).wakeup.signal()
      },
      register: { port.registerRing() })
  }
}
