import Wire

/// What a device server says about a command that did not simply succeed.
///
/// Read from either format without allocating, so that the data path can classify in place.
/// Source: SPC-5, 4.4 (sense data).
package struct SenseData: BitwiseCopyable, Hashable, Sendable {
  package var key: SenseKey

  package var additionalSense: AdditionalSense

  /// True when the error belongs to an earlier command and this one was not processed.
  ///
  /// Source: SPC-5, 4.4.9 (current and deferred errors).
  package var isDeferred: Bool

  /// INFORMATION where valid: for a block command, the address of the block in error.
  package var information: UInt64?

  @inlinable
  package init(
    key: SenseKey, additionalSense: AdditionalSense, isDeferred: Bool = false,
    information: UInt64? = nil
  ) {
    self.key = key
    self.additionalSense = additionalSense
    self.isDeferred = isDeferred
    self.information = information
  }

  /// The sense data in `bytes`, or nil when not even a sense key can be told.
  ///
  /// Response codes 70h to 73h are read, vendor-specific 7Fh and the reserved ones are not. Bytes
  /// past the additional length, or past what was received, are absent: their fields are zero.
  @inlinable
  package init?(parsing bytes: borrowing RawSpan) {
    guard bytes.byteCount >= 1 else { return nil }
    switch bytes.byte(at: 0) & 0x7F {
    case 0x70: self.init(parsingFixed: bytes, isDeferred: false)
    case 0x71: self.init(parsingFixed: bytes, isDeferred: true)
    case 0x72: self.init(parsingDescriptors: bytes, isDeferred: false)
    case 0x73: self.init(parsingDescriptors: bytes, isDeferred: true)
    default: return nil
    }
  }

  /// The sense data in `bytes`, or nil when not even a sense key can be told.
  package init?(parsing bytes: [UInt8]) {
    guard let sense = bytes.withRawSpan({ SenseData(parsing: $0) }) else { return nil }
    self = sense
  }
}

extension SenseData {
  /// Bytes both formats have before those the additional length counts.
  @inlinable
  static var headerLength: Int { 8 }

  /// Where sense data end: at the additional length in byte 7, or where the bytes end.
  @inlinable
  static func end(in bytes: borrowing RawSpan) -> Int {
    guard bytes.byteCount >= headerLength else { return bytes.byteCount }
    return min(bytes.byteCount, headerLength + Int(bytes.byte(at: 7)))
  }

  /// Fixed format: key in byte 2, INFORMATION in 3-6, code and qualifier in 12 and 13.
  ///
  /// Source: SPC-5, 4.4.3.
  @inlinable
  init?(parsingFixed bytes: borrowing RawSpan, isDeferred: Bool) {
    guard bytes.byteCount >= 3 else { return nil }
    let end = Self.end(in: bytes)
    let isValid = bytes.byte(at: 0) & 0x80 != 0
    let additionalSense = AdditionalSense(
      code: end > 12 ? bytes.byte(at: 12) : 0,
      qualifier: end > 13 ? bytes.byte(at: 13) : 0)
    let information =
      isValid && end >= 7 ? UInt64(bytes.bigEndian(at: 3, as: UInt32.self)) : nil
    self.init(
      key: SenseKey(rawValue: bytes.byte(at: 2) & 0x0F), additionalSense: additionalSense,
      isDeferred: isDeferred, information: information)
  }

  /// Descriptor format: key, code and qualifier in bytes 1 to 3, then descriptors.
  ///
  /// Source: SPC-5, 4.4.2.
  @inlinable
  init?(parsingDescriptors bytes: borrowing RawSpan, isDeferred: Bool) {
    guard bytes.byteCount >= 2 else { return nil }
    let additionalSense = AdditionalSense(
      code: bytes.byteCount > 2 ? bytes.byte(at: 2) : 0,
      qualifier: bytes.byteCount > 3 ? bytes.byte(at: 3) : 0)
    self.init(
      key: SenseKey(rawValue: bytes.byte(at: 1) & 0x0F), additionalSense: additionalSense,
      isDeferred: isDeferred, information: Self.informationDescriptor(in: bytes))
  }

  /// The valid information descriptor's value, if there is one wholly inside the data.
  ///
  /// Every step moves at least the two bytes of a descriptor's header, so lengths of zero end too.
  /// Source: SPC-5, 4.4.2.2.
  @inlinable
  static func informationDescriptor(in bytes: borrowing RawSpan) -> UInt64? {
    let end = Self.end(in: bytes)
    var offset = headerLength
    while offset + 2 <= end {
      let type = bytes.byte(at: offset)
      let next = offset + 2 + Int(bytes.byte(at: offset + 1))
      if type == 0x00, next >= offset + 12, next <= end, bytes.byte(at: offset + 2) & 0x80 != 0 {
        return bytes.bigEndian(at: offset + 4, as: UInt64.self)
      }
      offset = next
    }
    return nil
  }
}
