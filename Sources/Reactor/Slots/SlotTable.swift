import ISCSI
import LinuxIO
import LogicalUnit

/// Every slot and its pages; free ones are handed out last in, first out, so that they are warm.
///
/// The table itself never changes, only what is in it, so that those who change a slot need no
/// exclusive hold of all. Request slots come first, control slots behind them: a task tag's low
/// half is the index.
@safe
struct SlotTable: ~Copyable {
  /// The first property, for `make tsan`, as in `Reactor`.
  private let slots: FixedArray<Slot>
  let requestCount: Int
  /// What each slot's transfer needs room for out of order.
  let records: FixedArray<TransferRecord>
  /// How far the slots of this kind have come.
  let clearings: FixedArray<RangeClearing>
  let searches: FixedArray<ExtentSearch>
  let readBacks: FixedArray<ReadBack?>
  /// What of each slot's task is missing, in sessions that ask for it again.
  let recoveries: FixedArray<TaskRecovery>
  private let pages: PageRegion
  /// Where each slot's pages are: its own, or a ring entry's.
  private let memories: FixedArray<UnsafeMutableRawPointer>
  private let freeRequests: FixedArray<UInt16>
  private let freeControls: FixedArray<UInt16>
  /// How many are free, request slots then control slots.
  private let freeCounts: FixedArray<Int>

  /// Nil when the kernel has no memory for the pages.
  init?(limits: IOLimits) {
    let count = limits.requestSlots + limits.controlSlots
    precondition(count < 0xFF00, "tags above are for pings and logouts")
    guard let pages = PageRegion(byteCount: count * SlotMemory.byteCount) else { return nil }
    let base = unsafe pages.baseAddress
    unsafe memories = FixedArray(count: count) { unsafe base + $0 * SlotMemory.byteCount }
    self.pages = pages
    requestCount = limits.requestSlots
    slots = FixedArray(count: count) { _ in Slot() }
    records = FixedArray(count: count) { _ in TransferRecord() }
    clearings = FixedArray(count: limits.requestSlots) { _ in .none }
    searches = FixedArray(count: limits.requestSlots) { _ in .none }
    readBacks = FixedArray(count: limits.requestSlots) { _ in nil }
    recoveries = FixedArray(count: count) { _ in TaskRecovery() }
    freeRequests = FixedArray(count: limits.requestSlots) { [requestCount] in
      UInt16(requestCount - 1 - $0)
    }
    freeControls = FixedArray(count: limits.controlSlots) { [requestCount] in
      UInt16(requestCount + $0)
    }
    freeCounts = FixedArray(count: 2) { $0 == 0 ? limits.requestSlots : limits.controlSlots }
  }

  var count: Int { slots.count }

  private var freeRequestCount: Int {
    get { freeCounts[0] }
    nonmutating set { freeCounts[0] = newValue }
  }

  private var freeControlCount: Int {
    get { freeCounts[1] }
    nonmutating set { freeCounts[1] = newValue }
  }

  subscript(index: Int) -> Slot {
    @inline(__always) _read { yield slots[index] }
    @inline(__always) nonmutating _modify { yield &slots[index] }
  }

  /// The start of the pages a slot works in.
  @inline(__always)
  func memory(_ index: Int) -> UnsafeMutableRawPointer { unsafe memories[index] }

  /// Lets a slot work in the pages at `base`, which have the same layout.
  func lend(_ base: UnsafeMutableRawPointer, to index: Int) {
    unsafe memories[index] = base
  }

  /// Lets a slot work in its own pages again.
  func takeBack(_ index: Int) {
    // SAFETY: the region has `count` times the bytes of a slot.
    unsafe memories[index] = pages.baseAddress + index * SlotMemory.byteCount
  }

  /// The request slot that the next `takeRequest` gives, nil when all are busy.
  var nextFreeRequest: Int? {
    freeRequestCount == 0 ? nil : Int(freeRequests[freeRequestCount - 1])
  }

  /// The same for a request in a ring entry: the last slot's pages stay free to read /dev/fuse to,
  /// so that interrupts are heard when everything hangs.
  var nextFreeForEntry: Int? { freeRequestCount < 2 ? nil : nextFreeRequest }

  /// Takes the slot `nextFreeRequest` named.
  func takeRequest() {
    precondition(freeRequestCount > 0)
    freeRequestCount -= 1
  }

  /// Takes a control slot; nil when all are busy.
  func takeControl() -> Int? {
    guard freeControlCount > 0 else { return nil }
    freeControlCount -= 1
    return Int(freeControls[freeControlCount])
  }

  /// Gives a slot back; its task must be over and no queued PDU point into its pages.
  func free(_ index: Int) {
    precondition(slots[index].kind != .free && slots[index].transmitsQueued == 0)
    slots[index].kind = .free
    slots[index].stage = .idle
    if index < requestCount {
      freeRequests[freeRequestCount] = UInt16(index)
      freeRequestCount += 1
    } else {
      freeControls[freeControlCount] = UInt16(index)
      freeControlCount += 1
    }
  }

  /// A queued PDU with payload of this slot has left, or never will.
  func transmitted(_ index: Int) {
    slots[index].transmitsQueued -= 1
    if slots[index].transmitsQueued == 0, slots[index].isOver { free(index) }
  }

  /// The slot's work is done: frees it, now or when its last queued PDU has left.
  func retire(_ index: Int) {
    slots[index].isOver = true
    if slots[index].transmitsQueued == 0 { free(index) }
  }

  /// Slots that are not free.
  var busyCount: Int { count - freeRequestCount - freeControlCount }
}
