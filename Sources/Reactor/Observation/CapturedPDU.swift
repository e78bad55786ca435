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
    var start = 0
    for unsafe piece in unsafe [header, payload, trailer] {
      let wanted = range.clamped(to: start..<start + piece.count)
      if !wanted.isEmpty {
        // SAFETY: the range was clamped to the piece.
        unsafe body(
          UnsafeRawBufferPointer(
            rebasing: piece[wanted.lowerBound - start..<wanted.upperBound - start]))
      }
      start += piece.count
    }
  }
}
