/// A PDU in a transmit queue: its header and trailer are the queue's, its payload a slot's.
@safe
struct TransmitEntry: BitwiseCopyable {
  var payload: UnsafeMutableRawPointer?
  var payloadLength: UInt32
  var headerLength: UInt8
  /// Padding and data digest.
  var trailerLength: UInt8
  /// Whose pages the payload lies in.
  var slot: UInt16

  var byteCount: Int { Int(headerLength) + Int(payloadLength) + Int(trailerLength) }
}
