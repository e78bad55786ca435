package import ISCSI

/// Cuts the connection after so many bytes or PDUs of the target's, in order or by reset.
package final class CutFault: ConnectionFault {
  /// Where the cut falls.
  package enum Place: Sendable {
    /// Behind the nth PDU (0: before the first).
    case afterPDUs(Int)
    /// Behind the nth byte of the stream, mid-PDU perhaps.
    case atByte(Int)
    /// So many bytes into the first PDU a selector picks.
    case inside(PDUSelector, byteCount: Int)
  }

  private var place: Place
  private let ending: ConnectionAction
  private var pduCount = 0
  private var byteCount = 0

  /// - Parameter isReset: RST instead of FIN.
  package init(_ place: Place, isReset: Bool = true) {
    self.place = place
    ending = isReset ? .reset : .close
  }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    let bytes = actions.flatMap { if case .send(let bytes) = $0 { bytes } else { [UInt8]() } }
    defer {
      pduCount += 1
      byteCount += bytes.count
    }
    switch place {
    case .afterPDUs(let count):
      guard pduCount + 1 >= count else { return actions }
      return count == 0 ? [ending] : actions + [ending]
    case .atByte(let limit):
      guard byteCount + bytes.count >= limit else { return actions }
      return cut(bytes, to: limit - byteCount)
    case .inside(var selector, let count):
      let isSelected = selector.selects(header)
      place = .inside(selector, byteCount: count)
      return isSelected ? cut(bytes, to: count) : actions
    }
  }

  private func cut(_ bytes: [UInt8], to count: Int) -> [ConnectionAction] {
    count > 0 ? [.send(Array(bytes.prefix(count))), ending] : [ending]
  }
}
