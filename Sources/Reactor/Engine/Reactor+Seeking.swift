import FUSE
import ISCSI
import LogicalUnit
import SCSI
import SystemPackage

/// LSEEK, and what GET LBA STATUS says.
extension Reactor {
  /// The answer to GET LBA STATUS there is room for: 31 extents.
  private static let statusByteCount: UInt32 = 8 + 16 * 31

  /// LSEEK to data or to a hole, in the next free slot.
  ///
  /// Holes are told of while nobody has the file open for writing: only then is every byte where
  /// the target sees it.
  mutating func beginSeek(
    _ index: Int, _ request: SeekRequest, for caller: Caller, _ handle: LogicalUnitHandle
  ) {
    guard let unit = admit(caller, handle) else { return }
    guard request.whence == .data || request.whence == .hole else {
      return answer(caller, error: .invalidArgument)
    }
    let geometry = units[unit].geometry
    guard request.offset < geometry.capacityBytes else {
      return answer(caller, error: .noSuchAddressOrDevice)
    }
    begin(index, .seek, for: caller, handle)
    slots.searches[index] = ExtentSearch(
      for: request.whence == .data ? .data : .hole, from: request.offset, geometry: geometry)
    slots[index].blockShift = geometry.logicalBlockShift
    let provisioning = units[unit].provisioning
    guard provisioning.readsZeros, provisioning.tellsStatus, !sharedUnits.mayBeDirty(unit) else {
      return answerSearch(index, slots.searches[index].outcomeWithoutAnswer)
    }
    askStatus(index, from: slots.searches[index].question.first)
  }

  /// A search's question was answered.
  mutating func continueSearch(_ index: Int) {
    slots[index].progressedAt = now
    // SAFETY: as many bytes have been received there.
    let answer = unsafe RawSpan(
      _unsafeStart: slots.memory(index) + SlotMemory.aside,
      byteCount: Int(slots[index].transfer.receivedLength))
    guard let outcome = slots.searches[index].learned(answer) else {
      return askStatus(index, from: slots.searches[index].question.first)
    }
    answerSearch(index, outcome)
  }

  mutating func answerSearch(_ index: Int, _ outcome: ExtentSearch.Outcome) {
    switch outcome {
    case .found(let offset): answer(slot: index, body: offset)
    case .none: answer(slot: index, error: .noSuchAddressOrDevice)
    }
    end(index)
  }

  /// Asks which blocks hold data, from `block` on.
  mutating func askStatus(_ index: Int, from block: LogicalBlockAddress) {
    slots[index].step = .status
    issue(
      index, .getLBAStatus(lba: block, allocationLength: Self.statusByteCount),
      .init(direction: .read, expectedLength: Self.statusByteCount), at: SlotMemory.aside)
  }
}
