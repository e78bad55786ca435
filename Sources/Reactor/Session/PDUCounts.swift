package import ISCSI

/// How many PDUs of each opcode went over a session, either way.
///
/// Initiators and targets have opcodes of their own (RFC 7143, 11.2.1.2), so one word an opcode is
/// enough.
package struct PDUCounts: BitwiseCopyable, Equatable, Sendable {
  /// The opcodes there can be: six bits.
  private static let opcodeCount = 64

  private var counts = InlineArray<64, UInt64>(repeating: 0)

  package init() {}

  package subscript(opcode: Opcode) -> UInt64 {
    get { counts[Int(opcode.rawValue) & (Self.opcodeCount - 1)] }
    set { counts[Int(opcode.rawValue) & (Self.opcodeCount - 1)] = newValue }
  }

  /// Counts what another connection has counted too.
  mutating func add(_ other: PDUCounts) {
    for index in 0..<Self.opcodeCount { counts[index] &+= other.counts[index] }
  }

  package static func == (left: PDUCounts, right: PDUCounts) -> Bool {
    (0..<opcodeCount).allSatisfy { left.counts[$0] == right.counts[$0] }
  }
}
