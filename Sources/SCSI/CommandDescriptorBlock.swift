/// A command descriptor block of up to sixteen bytes, held as two words so that it copies freely.
///
/// `first` is bytes 0 to 7 and `second` bytes 8 to 15, each the big-endian number in host order, so
/// that they store with two moves into bytes 32 to 47 of a SCSI Command PDU. Bytes at and past
/// `length` are zero, as that field's padding must be.
/// Source: SPC-5, 4.2 (command descriptor block); RFC 7143, 11.3.5.
package struct CommandDescriptorBlock: BitwiseCopyable, Hashable, Sendable {
  package let first: UInt64
  package let second: UInt64
  package let length: UInt8

  /// The block made of two big-endian words; traps unless `length` is 6 to 16.
  @inlinable
  package init(first: UInt64, second: UInt64, length: UInt8) {
    precondition(length >= 6 && length <= 16, "a CDB has 6 to 16 bytes")
    self.first = length < 8 ? first & ~(.max >> (UInt64(length) * 8)) : first
    self.second = length <= 8 ? 0 : second & ~(.max >> (UInt64(length - 8) * 8))
    self.length = length
  }

  /// The block as a target finds it in a SCSI Command PDU, its length told by the operation code.
  @inlinable
  package init(first: UInt64, second: UInt64) {
    let operationCode = OperationCode(rawValue: UInt8(truncatingIfNeeded: first >> 56))
    let length = UInt8(truncatingIfNeeded: operationCode.commandDescriptorBlockLength)
    self.init(first: first, second: second, length: length)
  }

  /// The block with exactly these bytes, or nil when there are fewer than 6 or more than 16.
  package init?(bytes: [UInt8]) {
    guard bytes.count >= 6, bytes.count <= 16 else { return nil }
    var words: (first: UInt64, second: UInt64) = (0, 0)
    for (index, byte) in bytes.enumerated() {
      if index < 8 {
        words.first |= UInt64(byte) << UInt64((7 - index) * 8)
      } else {
        words.second |= UInt64(byte) << UInt64((15 - index) * 8)
      }
    }
    let length = UInt8(truncatingIfNeeded: bytes.count)
    self.init(first: words.first, second: words.second, length: length)
  }

  @inlinable
  package var operationCode: OperationCode {
    OperationCode(rawValue: UInt8(truncatingIfNeeded: first >> 56))
  }

  /// The service action, for the operation codes that have one (SPC-5, 4.2.5.2).
  @inlinable
  package var serviceAction: ServiceAction {
    ServiceAction(rawValue: UInt8(truncatingIfNeeded: first >> 48) & 0x1F)
  }

  /// The byte at `offset`; traps at 16 and above, and is zero past `length`.
  @inlinable
  package func byte(at offset: Int) -> UInt8 {
    precondition(offset >= 0 && offset < 16, "a CDB has at most 16 bytes")
    let word = offset < 8 ? first : second
    return UInt8(truncatingIfNeeded: word >> UInt64((7 - (offset & 7)) * 8))
  }

  /// The big-endian field of type `T` at `offset`; traps when it crosses byte 16.
  @inlinable
  package func bigEndian<T: FixedWidthInteger & UnsignedInteger>(
    at offset: Int, as type: T.Type
  ) -> T {
    var value: T = 0
    for index in offset..<offset + T.bitWidth / 8 {
      value = T(truncatingIfNeeded: UInt64(value) << 8) | T(byte(at: index))
    }
    return value
  }

  /// The bytes of the block, `length` of them.
  package var bytes: [UInt8] {
    (0..<Int(length)).map { byte(at: $0) }
  }
}
