package import ISCSI

/// Flips bits of one byte in selected PDUs, after the digests were computed.
package final class CorruptFault: ConnectionFault {
  private var selector: PDUSelector
  private let offset: Int
  private let mask: UInt8

  /// - Parameter offset: the byte within the PDU's wire form; negative counts from its end.
  package init(_ selector: PDUSelector, offset: Int, mask: UInt8 = 0x01) {
    self.selector = selector
    self.offset = offset
    self.mask = mask
  }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    guard selector.selects(header) else { return actions }
    return actions.map { action in
      guard case .send(var bytes) = action else { return action }
      let index = offset < 0 ? bytes.count + offset : offset
      if bytes.indices.contains(index) { bytes[index] ^= mask }
      return .send(bytes)
    }
  }
}
