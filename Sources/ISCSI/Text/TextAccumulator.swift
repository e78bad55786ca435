/// Joins text the peer spread over several PDUs (the C bit), however it split it.
///
/// Source: RFC 7143, 6.2 and 11.12.2.
package struct TextAccumulator: Sendable {
  /// What is kept of one text before it is refused, in bytes: a chain of certificates fits.
  package static let maximumByteCount = 65_536

  private var bytes: [UInt8] = []

  package init() {}

  package var isEmpty: Bool { bytes.isEmpty }

  /// Takes one PDU's data segment.
  package mutating func append(_ segment: [UInt8]) throws(TextError) {
    guard segment.count <= Self.maximumByteCount - bytes.count else {
      throw .textTooLong(limit: Self.maximumByteCount)
    }
    bytes += segment
  }

  /// The pairs of the whole text; the accumulator is empty afterwards.
  package mutating func take() throws(TextError) -> [TextParameter] {
    let text = bytes
    bytes = []
    return try TextParameter.parameters(parsing: text)
  }
}
