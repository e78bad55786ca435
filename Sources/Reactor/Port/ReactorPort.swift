import Synchronization
package import SystemPackage

/// The one door between the control plane and the reactors of a mount.
///
/// Every method may be called from any thread or task; a reactor takes what was asked at the start
/// of its next turn, and one that has ended refuses it at once. What is refused
/// or lost comes back as the result of the call; what happens unasked comes as `events`. Nothing
/// here is on the I/O path.
package final class ReactorPort: Sendable {
  /// How many reactors there are; a session's number says which one serves it.
  package let lanes: Lanes
  private let doors: [ReactorLane]
  /// Reactors that have not ended.
  private let running: Atomic<Int>
  let sharedUnits: SharedUnits
  /// What happens unasked, in order; one reader.
  package let events: AsyncStream<ReactorEvent>
  private let reportedChannel = Atomic(RequestChannel.device.rawValue)
  let eventContinuation: AsyncStream<ReactorEvent>.Continuation

  /// - Parameter limits: those the reactors are started with.
  package init(lanes: Lanes = .one, limits: IOLimits = IOLimits()) throws(Errno) {
    self.lanes = lanes
    var doors: [ReactorLane] = []
    for _ in 0..<lanes.count { doors.append(try ReactorLane(limits: limits)) }
    self.doors = doors
    running = Atomic(lanes.count)
    sharedUnits = SharedUnits(
      lanes: lanes, unitCount: limits.logicalUnits, unflushedBytes: limits.unflushedBytes,
      slotCount: limits.requestSlots)
    (events, eventContinuation) = AsyncStream.makeStream(
      of: ReactorEvent.self, bufferingPolicy: .bufferingNewest(4096))
  }

  /// One reactor's side.
  func lane(_ lane: Int) -> ReactorLane { doors[lane] }

  /// The side of the reactor that serves a session.
  func lane(of session: SessionHandle) -> ReactorLane {
    doors[lanes.lane(of: Int(session.index))]
  }

  /// Every reactor's side.
  var all: [ReactorLane] { doors }

  /// How the kernel's requests come.
  package var channel: RequestChannel {
    RequestChannel(rawValue: reportedChannel.load(ordering: .relaxed)) ?? .device
  }

  /// Tells the control plane; what it cannot do without is not lost to a flood of other events.
  func tell(_ event: ReactorEvent) {
    var event = event
    while case .dropped(let older) = eventContinuation.yield(event), older.isEssential {
      event = older
    }
  }

  func report(channel: RequestChannel) {
    reportedChannel.store(channel.rawValue, ordering: .relaxed)
  }

  /// A reactor has ended.
  func close(lane: Int) {
    doors[lane].close()
    if running.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 {
      eventContinuation.finish()
    }
  }
}
