import ISCSI
import Wire

/// The stream of PDUs: `PDUAssembler` beside a reader that has all bytes at once.
///
/// Input: flags (digests in bits 0 and 1, the size of the pieces above), the limit of a data
/// segment in two bytes, the stream.
enum FramerProperties {
  private struct Outcome: Equatable {
    var units: [ProtocolDataUnit] = []
    var error: PDUError?
  }

  private struct Options {
    var headerDigest: Bool
    var dataDigest: Bool
    var limit: Int

    var assembler: PDUAssembler {
      var assembler = PDUAssembler(maximumDataSegmentLength: limit)
      assembler.headerDigest = headerDigest
      assembler.dataDigest = dataDigest
      return assembler
    }

    /// One PDU with everything a header may announce.
    var greatestUnit: Int { 48 + 1020 + 4 + (limit + 3) / 4 * 4 + 4 }
  }

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let flags = input.byte()
    let options = Options(
      headerDigest: flags & 1 != 0, dataDigest: flags & 2 != 0, limit: Int(input.number16()))
    let wire = input.remainder()
    let whole = try assemble(wire, piece: max(1, wire.count), options)
    let pieces = try assemble(wire, piece: 1 + Int(flags >> 2), options)
    try agree(pieces.units.count, whole.units.count, "PDUs from pieces")
    try hold(pieces == whole, "pieces and whole give the same PDUs and error")
    try compare(whole, with: wire, options)
    for unit in whole.units {
      try checkEncoding(of: unit, options)
      try HeaderProperties.check(unit.header)
    }
  }

  private static func assemble(
    _ wire: [UInt8], piece: Int, _ options: Options
  ) throws(Disagreement) -> Outcome {
    var assembler = options.assembler
    var outcome = Outcome()
    var fed = 0
    while fed < wire.count {
      let end = min(wire.count, fed + piece)
      assembler.append(wire[fed..<end])
      fed = end
      do throws(PDUError) {
        while let unit = try assembler.next() { outcome.units.append(unit) }
      } catch {
        outcome.error = error
      }
      if let error = outcome.error {
        try holdSentence(error.sentence, of: "a PDU error")
        return outcome
      }
      try hold(
        assembler.pendingByteCount < options.greatestUnit,
        "no more is kept than one PDU: \(assembler.pendingByteCount)")
    }
    let taken = outcome.units.reduce(0) {
      $0
        + $1.header.wireLength(
          headerDigest: options.headerDigest, dataDigest: options.dataDigest)
    }
    try agree(assembler.pendingByteCount, wire.count - taken, "bytes kept")
    try agree(assembler.remainder(), Array(wire[taken...]), "bytes handed over")
    return outcome
  }

  /// Walks the stream by the RFC's picture of a PDU (11.2) and holds `outcome` against it.
  private static func compare(
    _ outcome: Outcome, with wire: [UInt8], _ options: Options
  ) throws(Disagreement) {
    var rest = wire[...]
    for unit in outcome.units {
      let start = rest.startIndex
      try hold(rest.count >= 48, "a PDU has a header")
      let additionalEnd = start + 48 + Int(rest[start + 4]) * 4
      let length = rest[start + 5..<start + 8].reduce(0) { $0 * 256 + Int($1) }
      try hold(length <= options.limit, "a data segment above the limit is refused")
      let dataStart = additionalEnd + (options.headerDigest ? 4 : 0)
      let paddedEnd = dataStart + (length + 3) / 4 * 4
      let end = paddedEnd + (options.dataDigest && length > 0 ? 4 : 0)
      try hold(end <= rest.endIndex, "a PDU lies in what arrived")
      try agree(unit.encoded()[..<48], rest[start..<start + 48], "header")
      try agree(unit.additionalHeader[...], rest[start + 48..<additionalEnd], "additional header")
      try agree(unit.data[...], rest[dataStart..<dataStart + length], "data")
      if options.headerDigest {
        try holdDigest(of: rest[start..<additionalEnd], rest[additionalEnd..<dataStart])
      }
      if options.dataDigest && length > 0 {
        try holdDigest(of: rest[dataStart..<paddedEnd], rest[paddedEnd..<end])
      }
      rest = rest[end...]
    }
    guard outcome.error != nil else { return }
    try hold(rest.count >= 48, "an error needs a header")
    let length = rest[rest.startIndex + 5..<rest.startIndex + 8].reduce(0) { $0 * 256 + Int($1) }
    if case .dataSegmentTooLong = outcome.error {
      try hold(length > options.limit, "only what is too long is refused for its length")
    } else {
      try hold(options.headerDigest || options.dataDigest, "without digests no digest is wrong")
    }
  }

  private static func holdDigest(
    of covered: ArraySlice<UInt8>, _ found: ArraySlice<UInt8>
  ) throws(Disagreement) {
    let stated = found.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    try agree(NaiveBytes.crc32c(covered), stated, "digest of an accepted PDU")
  }

  /// What we would send for `unit` is read as `unit`, and no byte is left.
  private static func checkEncoding(
    of unit: ProtocolDataUnit, _ options: Options
  ) throws(Disagreement) {
    var assembler = options.assembler
    assembler.append(
      unit.encoded(headerDigest: options.headerDigest, dataDigest: options.dataDigest))
    let again: ProtocolDataUnit?
    do { again = try assembler.next() } catch {
      throw Disagreement("an encoded PDU is refused: \(error.sentence)")
    }
    try agree(again, unit, "an encoded PDU read again")
    try agree(assembler.pendingByteCount, 0, "bytes behind an encoded PDU")
  }
}
