package import ISCSI

/// Which PDUs a fault touches: an opcode or all, beginning with the nth, so many of them.
package struct PDUSelector: Sendable {
  /// Nil selects every opcode.
  package var opcode: Opcode?
  /// Matching PDUs let by first.
  package var skip: Int
  /// PDUs selected after that; nil for all.
  package var count: Int?
  /// Of those, the first of every so many.
  package var period: Int
  private var seen = 0

  package init(
    _ opcode: Opcode? = nil, skip: Int = 0, count: Int? = nil, every period: Int = 1
  ) {
    precondition(period > 0, "one of none is none")
    self.opcode = opcode
    self.skip = skip
    self.count = count
    self.period = period
  }

  /// Every PDU.
  package static let all = PDUSelector()

  /// The nth PDU of an opcode, from 0.
  package static func nth(_ index: Int, _ opcode: Opcode? = nil) -> PDUSelector {
    PDUSelector(opcode, skip: index, count: 1)
  }

  /// Counts a PDU and says whether it is selected.
  mutating func selects(_ header: BasicHeaderSegment) -> Bool {
    guard opcode == nil || opcode == header.opcode else { return false }
    defer { seen += 1 }
    guard seen >= skip, (seen - skip) % period == 0 else { return false }
    return count.map { seen < skip + $0 } ?? true
  }
}
