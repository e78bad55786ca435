/// A command descriptor block as plain bytes, read by position.
///
/// This is the simulator's own reading of SPC and SBC: it shares nothing with the initiator's CDBs,
/// so that one misreading cannot hide in both. A position past the end reads as zero.
package struct CommandBytes: Equatable, Sendable {
  package let bytes: [UInt8]

  package init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// The sixteen bytes of a SCSI Command's header and what an Extended CDB segment adds.
  init(first: UInt64, second: UInt64, additional: ArraySlice<UInt8> = []) {
    var bytes = [UInt8]()
    bytes.reserveCapacity(16 + additional.count)
    for word in [first, second] {
      for index in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (56 - 8 * index))) }
    }
    self.bytes = bytes + additional
  }

  /// The operation code, byte 0.
  package var operationCode: UInt8 { self[0] }

  /// The low five bits of byte 1, where the operation code has service actions.
  package var serviceAction: UInt8 { self[1] & 0x1F }

  /// NACA in the control byte, by the length the operation code's group has (SAM-5, 5.2).
  package var wantsACA: Bool {
    switch operationCode >> 5 {
    case 0: self[5] & 0x04 != 0
    case 1, 2: self[9] & 0x04 != 0
    case 4: self[15] & 0x04 != 0
    case 5: self[11] & 0x04 != 0
    default: operationCode == 0x7F && self[1] & 0x04 != 0
    }
  }

  package subscript(index: Int) -> UInt8 {
    index < bytes.count ? bytes[index] : 0
  }

  /// The number in `count` bytes at `index`, most significant byte first.
  package func number(at index: Int, count: Int) -> UInt64 {
    (0..<count).reduce(UInt64(0)) { $0 << 8 | UInt64(self[index + $1]) }
  }
}

extension [UInt8] {
  /// Appends the low `count` bytes of `value`, most significant first.
  mutating func append(number value: UInt64, count: Int) {
    for index in (0..<count).reversed() { append(UInt8(truncatingIfNeeded: value >> (8 * index))) }
  }

  /// Overwrites `count` bytes at `index` with `value`, most significant first.
  mutating func store(number value: UInt64, at index: Int, count: Int) {
    for position in 0..<count {
      self[index + position] = UInt8(truncatingIfNeeded: value >> (8 * (count - 1 - position)))
    }
  }

  /// Appends `text` in ASCII, cut or filled with spaces to `count` bytes.
  mutating func append(text: String, count: Int) {
    let bytes = text.utf8.prefix(count)
    append(contentsOf: bytes)
    append(contentsOf: repeatElement(0x20, count: count - bytes.count))
  }
}
