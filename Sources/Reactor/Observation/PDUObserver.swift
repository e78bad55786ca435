import ISCSI

/// What is kept of the PDUs that pass on a session: how many of each kind.
struct PDUObserver {
  var counts = PDUCounts()

  /// A PDU of ours has left whole.
  ///
  /// - Parameter header: its header and digest, followed elsewhere by payload and `trailer`.
  @inline(__always)
  mutating func sent(
    _ entry: TransmitEntry, header: UnsafeMutableRawPointer, trailer: UnsafeMutableRawPointer
  ) {
    // SAFETY: a header has 48 bytes.
    counts[Opcode(rawValue: unsafe header.load(as: UInt8.self))] += 1
  }
}
