import Wire

/// The code of a vital product data page.
///
/// Source: SPC-5, 7.7.1 (VPD page codes); SBC-4, 6.6.1.
package struct VitalProductDataPage: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  @inlinable package static var supportedPages: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0x00)
  }
  @inlinable package static var unitSerialNumber: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0x80)
  }
  @inlinable package static var deviceIdentification: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0x83)
  }
  @inlinable package static var thirdPartyCopy: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0x8F)
  }
  @inlinable package static var blockLimits: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0xB0)
  }
  @inlinable package static var blockDeviceCharacteristics: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0xB1)
  }
  @inlinable package static var logicalBlockProvisioning: VitalProductDataPage {
    VitalProductDataPage(rawValue: 0xB2)
  }
}

extension VitalProductDataPage {
  /// Bytes before the page's own data: device type, page code and page length.
  package static let headerLength = 4

  /// One past the last byte of this page in `bytes`: where its length says, or where the data ends.
  ///
  /// A page length beyond the data is a lie or a short allocation; what did come is still valid.
  /// Throws when the header is cut, or when the target answered with another page.
  package func end(in bytes: borrowing RawSpan) throws(ParameterDataError) -> Int {
    guard bytes.byteCount >= Self.headerLength else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: Self.headerLength)
    }
    let found = VitalProductDataPage(rawValue: bytes.byte(at: 1))
    guard found == self else { throw .otherPage(requested: self, found: found) }
    let pageLength = Int(bytes.bigEndian(at: 2, as: UInt16.self))
    return min(bytes.byteCount, Self.headerLength + pageLength)
  }
}
