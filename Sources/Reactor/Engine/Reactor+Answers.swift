import FUSE
import Glibc
import ISCSI
import LinuxIO
import SystemPackage

/// Answers to the kernel: one write to /dev/fuse, or an entry of the ring given back.
extension Reactor {
  // MARK: - To the caller of a slot

  /// Answers with an error and no payload.
  mutating func answer(slot index: Int, error: Errno) {
    guard !slots[index].isUnasked else { return }
    answer(settle(index), error: error)
  }

  /// Answers success without payload.
  mutating func answer(slot index: Int) {
    guard !slots[index].isUnasked else { return }
    let caller = settle(index)
    send(ReplyHeader(unique: caller.unique, payloadLength: 0), to: caller)
  }

  /// Answers a write: how many bytes were accepted.
  mutating func answer(slot index: Int, accepted: UInt32) {
    // fuse_write_out {size, padding}
    answer(slot: index, body: UInt64(accepted))
  }

  /// Answers with a word of payload.
  mutating func answer(slot index: Int, body: UInt64) {
    let caller = settle(index)
    var body = body
    let header = ReplyHeader(unique: caller.unique, payloadLength: 8)
    guard caller.entry != nil else {
      var reply = (header, body)
      // SAFETY: 24 bytes of a local.
      return check(
        unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount + 8), to: caller)
    }
    // SAFETY: eight bytes of a local, copied before the call returns.
    unsafe commit(caller, header, copying: &body, 8)
  }

  /// Answers a read with bytes of the slot's pages, where they begin at its payload.
  mutating func answer(slot index: Int, bytes: UnsafeMutableRawPointer, count: Int) {
    let caller = settle(index)
    let header = ReplyHeader(unique: caller.unique, payloadLength: count)
    guard caller.entry == nil else { return commit(caller, header, payloadCount: count) }
    var reply = header
    // SAFETY: the header is a local, the pages outlive the call.
    check(
      unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount, then: bytes, count),
      to: caller)
  }

  /// Answers a read with bytes of a receive buffer, over whose parsed header the reply's is laid.
  mutating func answer(slot index: Int, inPlace bytes: UnsafeMutableRawPointer, count: Int) {
    let caller = settle(index)
    let header = ReplyHeader(unique: caller.unique, payloadLength: count)
    guard caller.entry == nil else {
      return unsafe commit(caller, header, copying: bytes, count)
    }
    let start = unsafe bytes - ReplyHeader.byteCount
    // SAFETY: at least 48 parsed header bytes lie before the payload in the same buffer.
    unsafe start.storeBytes(of: header, as: ReplyHeader.self)
    check(unsafe Transfer.write(fuseNumber, start, ReplyHeader.byteCount + count), to: caller)
  }

  /// Who is to be answered; the slot lets go of the memory that is given back with the answer.
  private mutating func settle(_ index: Int) -> Caller {
    let caller = slots[index].caller
    guard caller.entry != nil else { return caller }
    if slots[index].isAtTarget || slots[index].transmitsQueued > 0 {
      detach(index)
    } else {
      slots.takeBack(index)
    }
    return caller
  }

  /// Moves a task that goes on without its caller into the slot's own pages.
  private mutating func detach(_ index: Int) {
    let before = unsafe slots.memory(index)
    slots.takeBack(index)
    let after = unsafe slots.memory(index)
    if let arrived = connections[Int(slots[index].connection)].payloadArrived(for: index) {
      // SAFETY: a Data-In's payload lies in the slot's transfer. Its digest covers all of it.
      unsafe (after + arrived.lowerBound).copyMemory(
        from: before + arrived.lowerBound, byteCount: arrived.count)
    }
    var start = slots[index].payload - Int(slots[index].headFill)
    var count =
      Int(slots[index].headFill) + Int(slots[index].resultLength) + Int(slots[index].tailFill)
    switch slots[index].kind {
    case .write: break
    case .clear:
      (start, count) = (slots[index].memoryOffset, Int(slots[index].transfer.expectedLength))
    default: return
    }
    // SAFETY: both have the layout of `SlotMemory`; the blocks lie around the payload.
    unsafe (after + start).copyMemory(from: before + start, byteCount: count)
    // Also where an earlier try of the command has left data queued.
    for place in 0..<connections.count where connections[place].isConnected {
      unsafe connections[place].transmit.move(slot: UInt16(index), by: after - before)
    }
  }

  // MARK: - To a caller

  /// Answers success without payload.
  mutating func answer(_ caller: Caller) {
    send(ReplyHeader(unique: caller.unique, payloadLength: 0), to: caller)
  }

  /// Answers with an error and no payload.
  mutating func answer(_ caller: Caller, error: Errno) {
    send(ReplyHeader(unique: caller.unique, errorNumber: error.rawValue), to: caller)
  }

  private mutating func send(_ reply: ReplyHeader, to caller: Caller) {
    guard caller.entry == nil else { return commit(caller, reply, payloadCount: 0) }
    var reply = reply
    // SAFETY: sixteen bytes of a local.
    check(unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount), to: caller)
  }

  /// What became of an answer: a caller must never be left waiting for one that was refused.
  private func check(_ result: Int, to caller: Caller) {
    guard result < 0 else { return }
    switch CInt(-result) {
    // The request went away, or the mount did: nobody waits.
    case ENOENT, ENODEV, ECONNABORTED, ENOTCONN, EPIPE: return
    case ENOMEM:
      // No pages to copy into: an answer without payload needs none.
      var reply = ReplyHeader(unique: caller.unique, errorNumber: EIO)
      // SAFETY: sixteen bytes of a local.
      _ = unsafe Transfer.write(fuseNumber, &reply, ReplyHeader.byteCount)
    default:
      preconditionFailure("the kernel refused an answer: \(Errno(rawValue: CInt(-result)))")
    }
  }
}
