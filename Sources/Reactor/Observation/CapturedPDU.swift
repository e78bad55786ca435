/// A PDU's bytes where they lie, for as long as it is shown to who captures.
@safe
struct CapturedPDU {
  /// Basic header, additional headers, header digest.
  var header: UnsafeRawBufferPointer
  var payload: UnsafeRawBufferPointer
  /// Padding and data digest.
  var trailer: UnsafeRawBufferPointer

  var byteCount: Int { unsafe header.count + payload.count + trailer.count }

  /// Calls `body` with each piece of the bytes in `range`, in order.
  func forEach(in range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void) {
    unsafe lend(header, from: 0, range, body)
    unsafe lend(payload, from: header.count, range, body)
    unsafe lend(trailer, from: header.count + payload.count, range, body)
  }

  /// Calls `body` with what of a piece, which begins at `start`, lies in `range`.
  private func lend(
    _ piece: UnsafeRawBufferPointer, from start: Int, _ range: Range<Int>,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) {
    let wanted = range.clamped(to: start..<start + piece.count)
    guard !wanted.isEmpty else { return }
    // SAFETY: the range was clamped to the piece.
    unsafe body(
      UnsafeRawBufferPointer(
        rebasing: piece[wanted.lowerBound - start..<wanted.upperBound - start]))
  }
}
