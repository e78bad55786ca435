import CLinux
import FUSE
import Glibc
import LinuxIO
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
      port.eventContinuation.yield(.unmounted)
    }
  }

  /// Decodes a request in the next free slot's pages: serves it, or hands it to the cold side.
  private mutating func take(request index: Int, length: Int) {
    let bytes = unsafe UnsafeRawBufferPointer(
      start: slots.memory(index) + SlotMemory.request, count: length)
    let span = unsafe bytes.bytes
    guard let header = RequestHeader(parsing: span) else { return }
    let handle = LogicalUnitHandle(nodeID: header.nodeID)
    switch (header.opcode, handle) {
    case (.read, let handle?):
      guard let request = TransferRequest(parsing: span) else {
        return answer(unique: header.unique, error: .ioError)
      }
      guard let unit = admit(header, handle) else { return }
      begin(index, .read, header, handle)
      beginRead(index, request, unit: unit)
    case (.write, let handle?):
      // Bytes that did not come with it are an earlier request's.
      guard let request = TransferRequest(parsing: span),
        Int(request.size) <= length - (SlotMemory.writePayload - SlotMemory.request)
      else { return answer(unique: header.unique, error: .ioError) }
      guard let unit = admit(header, handle) else { return }
      begin(index, .write, header, handle)
      beginWrite(index, request, unit: unit)
    case (.fsync, let handle?):
      guard let unit = admit(header, handle) else { return }
      begin(index, .synchronize, header, handle)
      beginSynchronize(index, unit: unit)
    case (.fallocate, .some), (.lseek, .some):
      // Not offered: the kernel remembers and answers for us.
      answer(unique: header.unique, error: .noFunction)
    case (.interrupt, _):
      guard let request = InterruptRequest(parsing: span), interrupt(request) else {
        return hand(overCold: index, length: length)
      }
    default:
      hand(overCold: index, length: length)
    }
  }

  /// Gives the request in the next free slot's pages to the cold side, or stalls until it fits.
  private mutating func hand(overCold index: Int, length: Int) {
    if !submit(cold: index, length: length) { stall(cold: index, length: length) }
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
  /// It is answered with EINTR only after it has waited longer than a healthy path ever takes:
  /// a signal must not turn healthy disk I/O into an error.
  private mutating func interrupt(_ request: InterruptRequest) -> Bool {
    for index in 0..<slots.requestCount
    where slots[index].kind != .free && slots[index].unique == request.unique {
      slots[index].isInterrupted = true
      nextTick = min(nextTick, slots[index].startedAt &+ Interval.interrupt)
      return true
    }
    return false
  }
}

/// Answers.
extension Reactor {
  /// Answers with an error and no payload.
  func answer(unique: UInt64, error: Errno) {
    send(ReplyHeader(unique: unique, errorNumber: error.rawValue))
  }

  /// Answers success without payload.
  func answer(unique: UInt64) {
    send(ReplyHeader(unique: unique, payloadLength: 0))
  }

  private func send(_ reply: ReplyHeader) {
    var reply = reply
    // SAFETY: sixteen bytes of a local. A request that is gone (ENOENT) needs no answer.
    _ = unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount)
  }

  /// Answers a write: how many bytes were accepted.
  func answer(unique: UInt64, accepted: UInt32) {
    var reply = (ReplyHeader(unique: unique, payloadLength: 8), UInt64(accepted))
    // SAFETY: 24 bytes of a local: fuse_out_header, then fuse_write_out {size, padding}.
    _ = unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount + 8)
  }

  /// Answers a read with bytes of a slot's pages.
  func answer(unique: UInt64, bytes: UnsafeMutableRawPointer, count: Int) {
    var reply = ReplyHeader(unique: unique, payloadLength: count)
    unsafe withUnsafeMutablePointer(to: &reply) { header in
      var vectors = unsafe (
        iovec(iov_base: header, iov_len: ReplyHeader.byteCount),
        iovec(iov_base: bytes, iov_len: count)
      )
      // SAFETY: two vectors of a local tuple; the pages outlive the call.
      unsafe withUnsafePointer(to: &vectors.0) {
        _ = unsafe Transfer.write(fuseNumber, $0, 2)
      }
    }
  }

  /// Answers a read with bytes of a receive buffer, over whose parsed header the reply's is laid.
  func answer(unique: UInt64, inPlace bytes: UnsafeMutableRawPointer, count: Int) {
    let start = unsafe bytes - ReplyHeader.byteCount
    // SAFETY: at least 48 parsed header bytes lie before the payload in the same buffer.
    unsafe start.storeBytes(
      of: ReplyHeader(unique: unique, payloadLength: count), as: ReplyHeader.self)
    _ = unsafe Transfer.write(fuseNumber, start, ReplyHeader.byteCount + count)
  }
}
