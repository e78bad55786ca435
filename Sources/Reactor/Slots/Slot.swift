import ISCSI
import LogicalUnit
import SCSI
import Wire

/// One request from its arrival to its answer, and the SCSI task that works for it now.
///
/// A slot has one task at a time; a request that needs several commands (a device with a small
/// maximum transfer, a read-modify-write) has them one after the other.
struct Slot: BitwiseCopyable {
  /// Who asked, and for what.
  enum Kind: UInt8, BitwiseCopyable {
    case free, read, write, synchronize, control
    /// A range to be zeroed, whose state is in `SlotTable.clearings`.
    case clear
    /// A search for data or a hole, whose state is in `SlotTable.searches`.
    case seek
    /// A request of the cold side's that its queue had no room for yet.
    case cold
  }

  /// What the slot waits for.
  enum Stage: UInt8, BitwiseCopyable {
    /// Nothing: free, or being worked on in this turn.
    case idle
    /// A conflicting write.
    case range
    /// Other reactors' writes of the same LUN, before it rewrites parts of blocks.
    case quiet
    /// Its turn to be sent on `session`.
    case queued
    /// The target's answer on `session`.
    case inFlight
    /// Another connection to go on over: its command was sent on one that is lost.
    case stranded
    /// `retryAt`.
    case delayed
    /// A place in its unit's queue.
    case throttled
  }

  /// Its place among the commands its unit may have at once.
  enum Place: UInt8, BitwiseCopyable {
    case none, awaited, taken
  }

  /// What the current command is for.
  enum Step: UInt8, BitwiseCopyable {
    case transfer, readHead, readTail, synchronize, status
    /// A flush was answered: statuses that may come behind it are waited for.
    case settle
    /// Another session that has brought writes is asked whether one of them failed.
    case hear
    /// Blocks written before a loss are read, to see whether they are there.
    case readBack
  }

  var kind = Kind.free
  var stage = Stage.idle
  var step = Step.transfer
  var place = Place.none
  /// The caller was answered early (EINTR, a withdrawn LUN); only the target's answer is awaited.
  var isAnswered = false
  /// The caller wants it over.
  var isInterrupted = false
  /// A write that must be on the medium before it is answered.
  var isDurable = false
  var holdsRange = false
  /// Sent on a connection that was lost: the target may still have it, until the next login.
  var mayStillRun = false
  /// A write counted among those under way, for the other reactors.
  var isCounted = false
  /// A write that was given up, whose blocks the other reactors see.
  var isKept = false
  /// A write that reads the blocks at its edges first, or who reads back.
  var isRewrite = false
  /// What its range holds is not known should it end now.
  var leavesUnknown = false
  /// An fsync that finds out what a loss has left, with its state in `SlotTable.readBacks`.
  var isReadingBack = false
  /// A flush of our own: nobody is answered.
  var isUnasked = false
  /// Answered and done; only queued PDUs still point here.
  var isOver = false
  /// An fsync under way when something was lost that nobody can find out about.
  var tellsLoss = false
  /// While it is stranded: the target was asked to let another connection have it.
  var isReassigning = false
  /// Told apart in the task tag from the slot's earlier tasks.
  var generation: UInt16 = 0
  var session: UInt16 = 0
  /// The place of the connection its command was sent on: every other PDU of the task goes there
  /// (RFC 7143, 4.2.2: connection allegiance).
  var connection: UInt16 = 0
  var unit: UInt16 = 0
  /// Who waits for a place behind this one.
  var next = QueueDepth.nobody
  /// Queued PDUs that point into this slot's pages: it is not free before they have left.
  var transmitsQueued: UInt16 = 0
  /// How often the current command was tried again: at once, after a unit attention, after a wait.
  var attempts: UInt8 = 0
  var attentions: UInt8 = 0
  var backoffs: UInt8 = 0
  var caller = Caller()
  /// Monotonic nanoseconds.
  var startedAt: UInt64 = 0
  /// When the request last got on: a lost path's time counts from here.
  var progressedAt: UInt64 = 0
  /// When the current command was sent.
  var sentAt: UInt64 = 0
  /// A reset elsewhere may have ended its task: it is asked after at once.
  var isSuspect = false
  var retryAt: UInt64 = 0
  /// When the caller's signals are looked at again: those it had asked for nothing.
  var signalsAt: UInt64 = 0
  /// Its interrupt may have come, and been forgotten, while it waited for a slot.
  var hasWaited = false
  var cmdSN = SerialNumber(rawValue: 0)
  /// The places of the sessions to be heard behind its flush, a bit each.
  var unheard: UInt64 = 0
  /// When its SYNCHRONIZE CACHE was answered, or a session heard; the next command's number then.
  var flushedAt: UInt64 = 0
  var flushedCmdSN = SerialNumber(rawValue: 0)
  /// What a SYNCHRONIZE CACHE makes durable: the unit's writes up to here.
  var epoch: UInt64 = 0
  /// Where among the unit's writes and losses the current command was sent; of a clearing, its
  /// first.
  var position: UInt64 = 0
  /// The same of the oldest write that was at the target when a flush was sent.
  var oldestPosition: UInt64 = 0
  /// How long the READs of the range an fsync reads back have taken.
  var readingTime: UInt64 = 0
  /// The unit's `readingTime` as far as it is credited to this fsync.
  var creditedTime: UInt64 = 0
  /// The unit's failures told before this fsync began, or its incidents before this write was sent.
  var failures: UInt32 = 0

  // The current command.
  var lun = LogicalUnitNumber(rawValue: 0)
  var cdb = CommandDescriptorBlock.testUnitReady
  /// Words of additional header, at `SlotMemory.request`; only control tasks have some.
  var additionalHeaderWords: UInt8 = 0
  var memoryOffset = 0
  var transfer = TransferState(direction: .none, expectedLength: 0)

  // The request's range.
  var commands = TransferCommands.none
  /// Where in the pages the payload begins: what a write brought, what a read returns.
  var payload = 0
  /// What a read returns, or a write accepts; bytes of zeros laid at the payload of a clearing.
  var resultLength: UInt32 = 0
  /// Read: bytes to skip in the first block. Write: bytes filled in there.
  var headFill: UInt32 = 0
  var tailFill: UInt32 = 0
  var blocks = BlockRange(first: LogicalBlockAddress(0), count: 0)
  /// What `blocks` were counted in.
  var blockShift: UInt8 = 0

  init() {}

  /// A fresh slot in the place of `old`, whose tasks' tags stay told apart from its own.
  init(reusing old: Slot, as kind: Kind) {
    self.kind = kind
    // A tag that was shown for a command never sent is not another one's later.
    generation = old.generation &+ 1
  }

  /// Whether its command was sent, and nothing has ended it at the target.
  var isAtTarget: Bool { stage == .inFlight || stage == .stranded }

  /// Its command is to be sent anew: nothing of it is at a target any more.
  mutating func putBack() {
    stage = .queued
    isReassigning = false
    transfer = TransferState(
      direction: transfer.direction, expectedLength: transfer.expectedLength)
  }

  /// The tag of the slot's current task.
  func tag(index: Int) -> InitiatorTaskTag {
    InitiatorTaskTag(rawValue: UInt32(generation) << 16 | UInt32(index))
  }
}

extension TransferCommands {
  /// No command at all.
  static var none: TransferCommands {
    var commands = TransferCommands(
      .read, blocks: BlockRange(first: LogicalBlockAddress(0), count: 0), geometry: .none)
    commands.remaining = BlockRange(first: LogicalBlockAddress(0), count: 0)
    return commands
  }
}
