import ISCSI
import Wire

/// Additional header segments: what is encoded is read by a reader of its own, and any bytes are
/// read as that one reads them.
///
/// Source: RFC 7143, 11.2.2.
enum SegmentProperties {
  /// A segment as its bytes say: type, what it carries, and all it takes.
  private struct Raw: Equatable {
    var type: UInt8
    var specific: [UInt8]
    var paddedCount: Int
  }

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    if input.bit() {
      try checkEncoding(&input)
    } else {
      try checkReading(input.remainder())
    }
  }

  /// Segments for the wire: lengths and padding, nothing between them, and read again.
  private static func checkEncoding(_ input: inout FuzzInput) throws(Disagreement) {
    var (segments, wire): ([AdditionalHeaderSegment], [UInt8]) = ([], [])
    while !input.isEmpty {
      let choice = input.byte()
      let segment: AdditionalHeaderSegment
      if choice & 1 == 0 {
        // What a CDB of 17 to 260 bytes has beyond sixteen.
        let count = 1 + Int(choice) * 244 / 255
        segment = .extendedCDB((0..<count).map { _ in input.byte() })
      } else {
        segment = .bidirectionalReadLength(input.number32())
      }
      let encoded = segment.encoded
      guard wire.count + encoded.count <= 1_020 else { break }
      try checkBytes(of: segment, encoded)
      segments.append(segment)
      wire += encoded
    }
    let found: [AdditionalHeaderSegment]
    do { found = try AdditionalHeaderSegment.segments(parsing: wire, of: .scsiCommand) } catch {
      throw Disagreement("encoded segments are refused: \(error.sentence)")
    }
    try agree(found, segments, "segments read again")
    let unit = ProtocolDataUnit(
      header: BasicHeaderSegment(opcode: .scsiCommand), additionalHeader: wire, data: [1])
    try agree(Int(unit.encoded()[4]) * 4, wire.count, "TotalAHSLength")
  }

  private static func checkBytes(
    of segment: AdditionalHeaderSegment, _ encoded: [UInt8]
  ) throws(Disagreement) {
    guard let raw = read(encoded[...]) else { throw Disagreement("a segment has its length") }
    try agree(raw.paddedCount, encoded.count, "a segment is what its length says, in whole words")
    try agree(encoded[3], 0, "the reserved byte")
    let used = 4 + raw.specific.count
    try hold(encoded[used...].allSatisfy { $0 == 0 }, "padding is zero")
    try hold(encoded.count - used < 4, "padding is less than a word")
    switch segment {
    case .extendedCDB(let bytes):
      try agree(raw.type, 1, "AHSType")
      try agree(raw.specific, bytes, "the CDB's bytes")
      try hold((1...244).contains(bytes.count), "a CDB has 17 to 260 bytes")
    case .bidirectionalReadLength(let length):
      try agree(raw.type, 2, "AHSType")
      try agree(
        NaiveBytes.number(raw.specific, 0, 4, end: 4), UInt64(length), "the read's length")
      try agree(encoded.count, 8, "bytes of the segment")
    }
  }

  /// Any bytes, in whole words as a header's length counts them.
  private static func checkReading(_ bytes: [UInt8]) throws(Disagreement) {
    let wire = Array(bytes.prefix(1_020 / 4 * 4).prefix(bytes.count / 4 * 4))
    var expected: [AdditionalHeaderSegment]? = []
    var rest = wire[...]
    while !rest.isEmpty, expected != nil {
      guard let raw = read(rest) else {
        expected = nil
        break
      }
      rest = rest.dropFirst(raw.paddedCount)
      switch raw.type {
      case 1 where (1...244).contains(raw.specific.count):
        expected?.append(.extendedCDB(raw.specific))
      case 2 where raw.specific.count == 4:
        let length = NaiveBytes.number(raw.specific, 0, 4, end: 4) ?? 0
        expected?.append(.bidirectionalReadLength(UInt32(length)))
      case 1, 2: expected = nil
      default: break
      }
    }
    let found: [AdditionalHeaderSegment]?
    do { found = try AdditionalHeaderSegment.segments(parsing: wire, of: .scsiCommand) } catch {
      try holdSentence(error.sentence, of: "a PDU error")
      found = nil
    }
    try agree(found, expected, "segments")
    for segment in found ?? [] { try checkBytes(of: segment, segment.encoded) }
  }

  /// The first segment: AHSLength counts what follows AHSType, padding apart; AHSType has six bits.
  private static func read(_ bytes: ArraySlice<UInt8>) -> Raw? {
    let bytes = Array(bytes)
    guard let length = NaiveBytes.number(bytes, 0, 2, end: bytes.count).map(Int.init), length >= 1,
      bytes.count >= 3 + length
    else { return nil }
    return Raw(
      type: bytes[2] & 0x3F, specific: Array(bytes[4..<3 + length]),
      paddedCount: (3 + length + 3) / 4 * 4)
  }
}
