import FUSE
import ISCSI
import LinuxIO
import LogicalUnit
import SystemPackage

/// The data plane of a mount: kernel requests in, SCSI tasks out, answers back, on one thread.
///
/// It lives on its thread's stack and is touched by no other; the control plane talks to it through
/// its `ReactorPort`. A turn runs to completion: take what is ready, decide, then send everything
/// queued for a connection at once. All memory is taken at init; what is full makes the kernel
/// wait.
struct Reactor: ~Copyable {
  /// Epoll tokens; connections follow.
  enum Token {
    static let fuse: UInt64 = 0
    static let wakeup: UInt64 = 1
    static let firstConnection: UInt64 = 2
  }

  /// Task tags that are no slot's: `SlotTable` ends below their low halves, and so do the places of
  /// `ManagementTask`.
  enum Tag {
    static let ping = InitiatorTaskTag(rawValue: 0x1_FFFE)
    static let logout = InitiatorTaskTag(rawValue: 0xFFFD)

    /// Of the Logout Request for the recovery of the connection that was at a place.
    static func recovery(_ place: Int) -> InitiatorTaskTag {
      InitiatorTaskTag(rawValue: UInt32(place) << 16 | 0xFFFB)
    }
  }

  /// The first property, for `make tsan`: swiftc 6.3 marks a change through any of these tables
  /// at the address it finds in the first word of the reactor (swiftlang/swift#86265), where it
  /// must find one, and one that no other thread touches.
  let connections: FixedArray<Connection>
  let sessions: FixedArray<Session>
  let limits: IOLimits
  let port: ReactorPort
  let coldQueue: ColdQueue
  /// /dev/fuse, non-blocking; nil in a reactor that serves only the control plane.
  private let fuse: OwnedDescriptor?
  /// Its number, -1 without one.
  let fuseNumber: CInt
  let poll: EventPoll
  /// Open where the mount offers FUSE-over-io_uring.
  var ring = CompletionRing()
  /// Requests come through the ring, and the ring is waited with.
  var usesRing = false
  let ringExchange: RingExchange?
  /// Which reactor of the mount this is; the first one reads /dev/fuse.
  let lane: Int
  let lanes: Lanes
  let door: ReactorLane
  let sharedUnits: SharedUnits
  /// Entries that are answered and go back to the kernel at the end of the turn.
  var commits: IndexQueue
  /// Entries whose requests found no slot, or no room on the cold side.
  var waitingEntries: IndexQueue
  /// When each entry's request came to this reactor.
  let entryArrivedAt: FixedArray<UInt64>
  /// Those of `waitingEntries` whose writes wait for others: looked at when such a one has ended.
  let entryIsHeld: FixedArray<Bool>
  var heldCount = 0
  /// What they wait for may be over.
  var looksAtHeld = false
  /// When the signals of those who wait in entries are looked at again.
  var waitingSignalsAt: UInt64 = 0

  let slots: SlotTable
  let units: FixedArray<LogicalUnitEntry>
  /// Of the slots, then of `keptWrites`.
  var locks: RangeLocks
  let keptWrites: FixedArray<KeptWrite>
  var keptWriteCount = 0
  let controlContinuations: FixedArray<ControlContinuation?>
  let managements: FixedArray<ManagementTask>
  /// Room for the CRC32C of every block a command may move.
  let checksums: FixedArray<UInt32>

  /// This turn's moment, in monotonic nanoseconds.
  var now: UInt64 = 0
  /// One bit a connection: something changed that may let it send.
  var connectionsToPump: UInt64 = 0
  /// One bit a connection: more may lie in its socket than a turn takes.
  var connectionsToReceive: UInt64 = 0
  /// One bit a session: it carries LUNs' commands.
  var servingSessions: UInt64 = 0
  var isRunning = true
  /// /dev/fuse is closed; the sessions may still be logged out.
  var isUnmounted = false
  /// No slot was free, or the cold queue full: /dev/fuse is not watched.
  var isFUSEPaused = false
  /// A cold request that the cold queue had no room for yet, in its slot's pages.
  var stalledCold: (slot: Int, length: Int)?
  /// Requests were waiting one behind the other the last time: read until there are none.
  var drainsFUSE = false
  var earlyInterrupts = EarlyInterrupts()
  /// Entries stay on this reactor if it can serve them at all: another has just handed them over.
  var keepsEntries = false
  /// Slots in stage `quiet`.
  var rewritesWaiting = 0
  /// Slots in stage `delayed`.
  var delayedCount = 0
  /// A unit's queue depth may be below what is set.
  var hasThrottledUnits = false
  /// A unit whose cache wants to be flushed in the background.
  var unitToFlush: Int?
  /// Task management functions under way.
  var managementCount = 0
  var nextTick: UInt64 = 0

  /// ENOMEM when the kernel has no memory for it, EMFILE or ENFILE without a descriptor.
  init(
    limits: IOLimits, port: ReactorPort, fuse: consuming OwnedDescriptor?, coldQueue: ColdQueue,
    ringExchange: RingExchange? = nil, lane: Int = 0
  ) throws(Errno) {
    precondition(limits.sessions <= 64, "sessions and connections are bits of a word")
    guard let slots = SlotTable(limits: limits) else { throw .noMemory }
    let poll = try EventPoll(capacity: limits.sessions + 2)
    let slotCapacity = Self.powerOfTwo(atLeast: slots.count)
    let burstCapacity = Self.powerOfTwo(atLeast: slots.count * TransferRecord.burstCapacity)
    let connections = try FixedArray<Connection>(count: limits.sessions) { _ throws(Errno) in
      guard let connection = Connection(limits: limits, burstCapacity: burstCapacity)
      else { throw .noMemory }
      return connection
    }
    let entries = Self.powerOfTwo(atLeast: ringExchange?.memory.entryCount ?? 1)
    commits = IndexQueue(capacity: entries)
    waitingEntries = IndexQueue(capacity: entries)
    entryArrivedAt = FixedArray(count: entries) { _ in 0 }
    entryIsHeld = FixedArray(count: entries) { _ in false }
    self.ringExchange = ringExchange
    locks = RangeLocks(capacity: 2 * limits.requestSlots)
    keptWrites = FixedArray(count: limits.requestSlots) { _ in KeptWrite() }
    self.connections = connections
    sessions = FixedArray(count: limits.sessions) { _ in Session(slotCapacity: slotCapacity) }
    units = FixedArray(count: limits.logicalUnits) { _ in LogicalUnitEntry() }
    controlContinuations = FixedArray(count: limits.controlSlots) { _ in nil }
    managements = FixedArray(count: ManagementTask.capacity) { _ in ManagementTask() }
    checksums = FixedArray(count: SlotMemory.blockLimit) { _ in 0 }
    self.limits = limits
    self.lane = lane
    lanes = port.lanes
    door = port.lane(lane)
    sharedUnits = port.sharedUnits
    self.port = port
    fuseNumber = fuse?.rawValue ?? -1
    self.fuse = fuse
    self.coldQueue = coldQueue
    self.slots = slots
    self.poll = poll
  }

  private static func powerOfTwo(atLeast count: Int) -> Int {
    var power = 1
    while power < count { power *= 2 }
    return power
  }
}
