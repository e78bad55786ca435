import CLinux
import FUSE
import Glibc
import LinuxIO
import LogicalUnit
import SystemPackage

/// Requests from /dev/fuse and answers to it.
extension Reactor {
  /// What /dev/fuse is ready for; while the kernel waits only its end is of interest.
  mutating func serveKernel(_ interest: EventPoll.Interest) {
    guard isFUSEPaused else { return drainKernel() }
    if !interest.isDisjoint(with: [.error, .hangup]) { endKernel(errorNumber: ENODEV) }
  }

  /// Reads what the kernel asks: one request when they come singly, until none is left when not.
  private mutating func drainKernel() {
    var taken = 0
    while !isUnmounted && !isFUSEPaused {
      guard let index = slots.nextFreeRequest else {
        pauseKernel()
        break
      }
      // SAFETY: a free slot's pages belong to nobody else; the capacity ends before its scratch.
      let length = unsafe Transfer.read(
        fuseNumber, slots.memory(index) + SlotMemory.request, SlotMemory.requestCapacity)
      guard length > 0 else {
        endKernel(errorNumber: CInt(-length))
        break
      }
      take(request: index, length: length)
      taken += 1
      if !drainsFUSE && taken == 1 && slots.busyCount <= 1 { return }
    }
    drainsFUSE = taken > 1
  }

  /// What a failed read of /dev/fuse means.
  private mutating func endKernel(errorNumber: CInt) {
    switch errorNumber {
    // Nothing there; a request interrupted before it was read; a request that went away.
    case EAGAIN, EINTR, ENOENT: return
    default:
      // ENODEV: unmounted, or the connection aborted. The loop goes on for the logouts.
      poll.remove(fuseNumber)
      isUnmounted = true
      port.tell(.unmounted)
    }
  }

  /// Decodes a request in the next free slot's pages: serves it, or hands it to the cold side.
  private mutating func take(request index: Int, length: Int) {
    let bytes = unsafe UnsafeRawBufferPointer(
      start: slots.memory(index) + SlotMemory.request, count: length)
    let span = unsafe bytes.bytes
    guard let header = RequestHeader(parsing: span) else { return }
    if header.opcode == .interrupt, let request = InterruptRequest(parsing: span) {
      if interrupt(request.unique) { return }
      // It may still wait for a slot, or another reactor have it, or the cold side.
      earlyInterrupts.note(request.unique)
      for other in 0..<lanes.count where other != lane {
        port.lane(other).submit(.interrupt(request.unique))
      }
    }
    let isServed = serve(
      header, operation: span.extracting(droppingFirst: RequestHeader.byteCount),
      payloadCount: length - (SlotMemory.devicePayload - SlotMemory.request),
      for: Caller(header), slot: index)
    if !isServed, !submit(cold: index, length: length) { stall(cold: index, length: length) }
  }

  /// Whether a request is one that `serve` takes, not the cold side's.
  func isServedHere(_ header: RequestHeader) -> Bool {
    switch header.opcode {
    case .read, .write, .fsync, .fallocate, .lseek: LogicalUnitHandle(nodeID: header.nodeID) != nil
    default: false
    }
  }

  /// Serves a request on a LUN file; false when it is the cold side's.
  ///
  /// - Parameter index: the next free slot.
  mutating func serve(
    _ header: RequestHeader, operation: borrowing RawSpan, payloadCount: Int, for caller: Caller,
    slot index: Int
  ) -> Bool {
    guard let handle = LogicalUnitHandle(nodeID: header.nodeID) else { return false }
    switch header.opcode {
    case .read:
      guard let request = TransferRequest(parsing: operation) else {
        answer(caller, error: .ioError)
        return true
      }
      guard let unit = admit(caller, handle) else { return true }
      begin(index, .read, for: caller, handle)
      beginRead(index, request, unit: unit)
    case .write:
      // Bytes that did not come with it are an earlier request's.
      guard let request = TransferRequest(parsing: operation), Int(request.size) <= payloadCount
      else {
        answer(caller, error: .ioError)
        return true
      }
      guard let unit = admit(caller, handle),
        let plan = plan(request, unit: unit, for: caller),
        admitWrite(caller, unit: unit, plan.blocks, isAligned: plan.isAligned)
      else { return true }
      begin(index, .write, for: caller, handle)
      beginWrite(
        index, plan, isDurable: request.openFlags & UInt32(O_DSYNC) != 0, unit: unit)
    case .fsync:
      guard let unit = admit(caller, handle) else { return true }
      begin(index, .synchronize, for: caller, handle)
      beginSynchronize(index, unit: unit)
    case .fallocate:
      guard let request = FallocateRequest(parsing: operation) else {
        answer(caller, error: .ioError)
        return true
      }
      beginAllocation(index, request, for: caller, handle)
    case .lseek:
      guard let request = SeekRequest(parsing: operation) else {
        answer(caller, error: .ioError)
        return true
      }
      beginSeek(index, request, for: caller, handle)
    default: return false
    }
    return true
  }

  private func submit(cold index: Int, length: Int) -> Bool {
    // SAFETY: the request lies in the slot's pages, which are nobody else's now.
    unsafe coldQueue.submit(
      UnsafeRawBufferPointer(
        start: slots.memory(index) + SlotMemory.request, count: length))
  }

  /// Keeps the next free slot for the cold request in its pages, and the kernel waiting.
  mutating func stall(cold index: Int, length: Int) {
    slots.takeRequest()
    slots[index] = Slot(reusing: slots[index], as: .cold)
    stalledCold = (index, length)
    pauseKernel()
  }

  private mutating func pauseKernel() {
    guard !isFUSEPaused, fuseNumber >= 0 else { return }
    isFUSEPaused = true
    watchKernel([])
  }

  private mutating func watchKernel(_ interest: EventPoll.Interest) {
    do throws(Errno) {
      try poll.modify(fuseNumber, interest, token: Token.fuse)
    } catch {
      endKernel(errorNumber: error.rawValue)
    }
  }

  /// Watches /dev/fuse again once a slot is free and no cold request waits.
  mutating func resumeKernel() {
    if let (slot, length) = stalledCold {
      guard submit(cold: slot, length: length) else { return }
      stalledCold = nil
      slots.free(slot)
    }
    guard !isUnmounted, slots.nextFreeRequest != nil else { return }
    isFUSEPaused = false
    watchKernel(.readable)
  }

  /// The caller of a request wants it over; false when the request is none of ours.
  ///
  /// It is answered with EINTR only after it has waited longer than a healthy path ever takes, or
  /// when its path is not, and for a signal that asks for it: no other may turn disk I/O into an
  /// error.
  mutating func interrupt(_ unique: UInt64) -> Bool {
    for index in 0..<slots.requestCount
    where slots[index].kind != .free && slots[index].caller.unique == unique {
      slots[index].isInterrupted = true
      slots[index].signalsAt = 0
      nextTick = min(nextTick, interruptDue(index))
      return true
    }
    return false
  }
}
