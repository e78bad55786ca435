import CLinux
import ISCSI
import LinuxIO
import Wire

/// PDUs on their way to one connection: headers made here, payload gathered from the slots' pages.
///
/// Everything queued in a turn leaves in one send.
@safe
struct TransmitQueue: ~Copyable {
  /// No slot: the PDU has no payload to wait for.
  static let noSlot = UInt16.max
  /// Bytes reserved for a header with its digest, then for padding with a data digest.
  private static let headerStride = 64
  private static let trailerOffset = 52
  private static let vectorCapacity = 192
  private static let reserve = 16

  private let entries: FixedArray<TransmitEntry>
  private let headers: PageRegion
  private let vectors: FixedArray<iovec>
  private var first = 0
  private(set) var count = 0
  /// Bytes of the first entry that have left already.
  private var sentOfFirst = 0

  /// Nil when the kernel has no memory.
  init?(capacity: Int) {
    guard let headers = PageRegion(byteCount: capacity * Self.headerStride) else { return nil }
    self.headers = headers
    entries = FixedArray(count: capacity) { _ in
      unsafe TransmitEntry(
        payload: nil, payloadLength: 0, headerLength: 0, trailerLength: 0, slot: 0)
    }
    unsafe vectors = FixedArray(count: Self.vectorCapacity) { _ in unsafe iovec() }
  }

  var isEmpty: Bool { count == 0 }
  var freeCount: Int { entries.count - count }

  /// Whether a command or its data may be queued: some room is kept for pings, their answers and
  /// the Logout, which must not starve behind data a target does not take.
  var hasRoom: Bool { freeCount > Self.reserve }

  /// The same for task management, which may have half of that room.
  var hasRoomForManagement: Bool { freeCount > Self.reserve / 2 }

  /// Queues a PDU; traps when there is no room (`freeCount` tells).
  ///
  /// - Parameter payload: the data segment; it must stay as it is until the PDU has left, which
  ///   `slot`'s count of queued PDUs says.
  mutating func append(
    _ header: BasicHeaderSegment, payload: UnsafeMutableRawPointer? = nil, slot: UInt16 = noSlot,
    parameters: NegotiatedParameters
  ) {
    precondition(count < entries.count, "room was asked for before")
    let index = (first + count) % entries.count
    let length = header.dataSegmentLength
    let storage = unsafe headers.baseAddress + index * Self.headerStride
    // SAFETY: a stride of the region per entry; header, digest, padding and digest fit into it.
    var span = unsafe MutableRawSpan(
      _unsafeStart: storage, byteCount: Self.headerStride)
    header.store(into: &span)
    var headerLength = BasicHeaderSegment.byteCount
    if parameters.headerDigest {
      var digest = CRC32C()
      digest.update(unsafe RawSpan(_unsafeStart: storage, byteCount: headerLength))
      span.storeBytes(of: digest.value.littleEndian, toByteOffset: headerLength, as: UInt32.self)
      headerLength += 4
    }
    let padding = -length & 3
    var trailerLength = padding
    span.storeBytes(of: 0 as UInt32, toByteOffset: Self.trailerOffset, as: UInt32.self)
    if parameters.dataDigest, length > 0, let payload = unsafe payload {
      var digest = CRC32C()
      digest.update(unsafe RawSpan(_unsafeStart: payload, byteCount: length))
      digest.update(
        unsafe RawSpan(_unsafeStart: storage + Self.trailerOffset, byteCount: padding))
      span.storeBytes(
        of: digest.value.littleEndian, toByteOffset: Self.trailerOffset + padding,
        as: UInt32.self)
      trailerLength += 4
    }
    entries[index] = unsafe TransmitEntry(
      payload: payload, payloadLength: UInt32(length), headerLength: UInt8(headerLength),
      trailerLength: UInt8(trailerLength), slot: slot)
    count += 1
  }

  /// Queues a PDU without data whose additional header lies at `segments`, with room for a digest
  /// behind it.
  mutating func append(
    _ header: BasicHeaderSegment, additionalHeader segments: UnsafeMutableRawPointer, slot: UInt16,
    parameters: NegotiatedParameters
  ) {
    precondition(count < entries.count, "room was asked for before")
    let index = (first + count) % entries.count
    var length = Int(header.totalAHSLength) * 4
    let storage = unsafe headers.baseAddress + index * Self.headerStride
    // SAFETY: a stride of the region per entry.
    var span = unsafe MutableRawSpan(_unsafeStart: storage, byteCount: Self.headerStride)
    header.store(into: &span)
    if parameters.headerDigest {
      var digest = CRC32C()
      digest.update(unsafe RawSpan(_unsafeStart: storage, byteCount: BasicHeaderSegment.byteCount))
      digest.update(unsafe RawSpan(_unsafeStart: segments, byteCount: length))
      unsafe segments.storeBytes(
        of: digest.value.littleEndian, toByteOffset: length, as: UInt32.self)
      length += 4
    }
    entries[index] = unsafe TransmitEntry(
      payload: segments, payloadLength: UInt32(length),
      headerLength: UInt8(BasicHeaderSegment.byteCount), trailerLength: 0, slot: slot)
    count += 1
  }

  /// Sends what is queued until the socket takes no more.
  ///
  /// - Parameters:
  ///   - slots: told of every PDU of theirs that has left whole.
  ///   - observer: shown every PDU that has.
  /// - Returns: bytes sent, and the negative errno that stopped it (0 when all has left).
  mutating func send(
    on socket: CInt, _ slots: borrowing SlotTable, _ observer: inout PDUObserver
  ) -> (byteCount: Int, result: Int) {
    var total = 0
    while count > 0 {
      let vectorCount = gather()
      // SAFETY: the vectors name headers of this queue and pages of slots that are kept for them.
      let sent = unsafe Transfer.send(socket, vectors.pointer, vectorCount)
      guard sent >= 0 else { return (total, sent) }
      total += sent
      advance(by: sent, slots, &observer)
    }
    return (total, 0)
  }

  /// The payload of queued PDUs of a slot lies `distance` bytes further now.
  func move(slot: UInt16, by distance: Int) {
    for position in 0..<count {
      let index = (first + position) % entries.count
      if entries[index].slot == slot, let payload = unsafe entries[index].payload {
        unsafe entries[index].payload = payload + distance
      }
    }
  }

  /// Forgets everything; slots that waited for a PDU to leave wait no longer.
  mutating func removeAll(_ slots: borrowing SlotTable) {
    while count > 0 { removeFirst(slots) }
  }

  /// Fills the vectors from the first entry on; returns how many.
  private mutating func gather() -> Int {
    var vectorCount = 0
    var skip = sentOfFirst
    var position = 0
    while position < count && vectorCount + 3 <= Self.vectorCapacity {
      let index = (first + position) % entries.count
      let entry = entries[index]
      let storage = unsafe headers.baseAddress + index * Self.headerStride
      unsafe add(storage, Int(entry.headerLength), &skip, &vectorCount)
      if let payload = unsafe entry.payload {
        unsafe add(payload, Int(entry.payloadLength), &skip, &vectorCount)
      }
      unsafe add(
        storage + Self.trailerOffset, Int(entry.trailerLength), &skip, &vectorCount)
      position += 1
    }
    return vectorCount
  }

  /// Adds a vector for `length` bytes at `base` without the first `skip`.
  @inline(__always)
  private func add(
    _ base: UnsafeMutableRawPointer, _ length: Int, _ skip: inout Int, _ vectorCount: inout Int
  ) {
    guard length > skip else {
      skip -= length
      return
    }
    unsafe vectors[vectorCount] = unsafe iovec(iov_base: base + skip, iov_len: length - skip)
    vectorCount += 1
    skip = 0
  }

  private mutating func advance(
    by sent: Int, _ slots: borrowing SlotTable, _ observer: inout PDUObserver
  ) {
    var remaining = sent + sentOfFirst
    while count > 0 {
      let length = entries[first].byteCount
      guard remaining >= length else { break }
      remaining -= length
      let storage = unsafe headers.baseAddress + first * Self.headerStride
      // SAFETY: the entry's stride and its slot's pages are its own until it is removed.
      unsafe observer.sent(entries[first], header: storage, trailer: storage + Self.trailerOffset)
      removeFirst(slots)
    }
    sentOfFirst = remaining
  }

  private mutating func removeFirst(_ slots: borrowing SlotTable) {
    let slot = entries[first].slot
    first = (first + 1) % entries.count
    count -= 1
    sentOfFirst = 0
    if slot != Self.noSlot { slots.transmitted(Int(slot)) }
  }
}
