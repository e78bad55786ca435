import ISCSI

/// What is kept of the PDUs that pass on a session: how many of each kind, and all of them for who
/// captures.
struct PDUObserver {
  var counts = PDUCounts()
  /// There only while somebody captures.
  var tap: CaptureTap?

  /// A PDU of ours has left whole.
  ///
  /// - Parameter header: its header and digest, followed elsewhere by payload and `trailer`.
  @inline(__always)
  mutating func sent(
    _ entry: TransmitEntry, header: UnsafeMutableRawPointer, trailer: UnsafeMutableRawPointer
  ) {
    // SAFETY: a header has 48 bytes.
    counts[Opcode(rawValue: unsafe header.load(as: UInt8.self))] += 1
    if tap != nil { unsafe show(entry, header: header, trailer: trailer) }
  }

  private mutating func show(
    _ entry: TransmitEntry, header: UnsafeMutableRawPointer, trailer: UnsafeMutableRawPointer
  ) {
    // SAFETY: the entry says how many bytes each has.
    let pdu = unsafe CapturedPDU(
      header: UnsafeRawBufferPointer(start: header, count: Int(entry.headerLength)),
      payload: UnsafeRawBufferPointer(
        start: entry.payload, count: entry.payload == nil ? 0 : Int(entry.payloadLength)),
      trailer: UnsafeRawBufferPointer(start: trailer, count: Int(entry.trailerLength)))
    show { $0.show(pdu, .sent) }
  }

  /// Lets the tap do something, and lets go of it when nobody reads any more.
  mutating func show(_ body: (CaptureTap) -> Void) {
    guard let tap else { return }
    body(tap)
    if tap.isIdle { self.tap = nil }
  }
}
