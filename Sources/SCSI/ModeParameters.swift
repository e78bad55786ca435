import Wire

/// What MODE SENSE tells of a block device: whether it can be written, and how it caches.
///
/// Source: SPC-5, 7.5.5 and 7.5.6 (mode parameter headers); SBC-4, 6.5.1 (device-specific
/// parameter) and 6.5.6 (caching page).
package struct ModeParameters: BitwiseCopyable, Hashable, Sendable {
  /// WP: the medium is write protected.
  package var isWriteProtected: Bool

  /// DPOFUA: reads and writes may carry FUA.
  package var supportsForceUnitAccess: Bool

  /// WCE of the caching page; nil where the page did not come.
  package var writeCacheEnabled: Bool?

  /// Data of MODE SENSE(6): a header of four bytes.
  package init(parsingModeSense6 bytes: borrowing RawSpan) throws(ParameterDataError) {
    guard bytes.byteCount >= 4 else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: 4)
    }
    let dataLength = Int(bytes.byte(at: 0)) + 1
    let pages = 4 + Int(bytes.byte(at: 3))
    self.init(bytes, deviceSpecificAt: 2, pages: pages, end: min(bytes.byteCount, dataLength))
  }

  /// Data of MODE SENSE(10): a header of eight bytes.
  package init(parsingModeSense10 bytes: borrowing RawSpan) throws(ParameterDataError) {
    guard bytes.byteCount >= 8 else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: 8)
    }
    let dataLength = Int(bytes.bigEndian(at: 0, as: UInt16.self)) + 2
    let pages = 8 + Int(bytes.bigEndian(at: 6, as: UInt16.self))
    self.init(bytes, deviceSpecificAt: 3, pages: pages, end: min(bytes.byteCount, dataLength))
  }

  /// Reads the device-specific parameter, then the pages from `pages` to `end`.
  private init(_ bytes: borrowing RawSpan, deviceSpecificAt offset: Int, pages: Int, end: Int) {
    let deviceSpecific = bytes.byte(at: offset)
    isWriteProtected = deviceSpecific & 0x80 != 0
    supportsForceUnitAccess = deviceSpecific & 0x10 != 0
    writeCacheEnabled = Self.writeCacheEnabled(in: bytes, from: pages, to: end)
  }

  /// WCE of the first caching page that lies in the data far enough to have the bit.
  ///
  /// Every step moves at least the two bytes of a page's header, so lengths of zero end too.
  private static func writeCacheEnabled(
    in bytes: borrowing RawSpan, from pages: Int, to end: Int
  ) -> Bool? {
    var offset = pages
    while offset + 3 <= end {
      let code = bytes.byte(at: offset)
      let isSubpage = code & 0x40 != 0
      guard !isSubpage else {
        guard offset + 4 <= end else { return nil }
        offset += 4 + Int(bytes.bigEndian(at: offset + 2, as: UInt16.self))
        continue
      }
      let length = Int(bytes.byte(at: offset + 1))
      if ModePage(rawValue: code & 0x3F) == .caching, length >= 1 {
        return bytes.byte(at: offset + 2) & 0x04 != 0
      }
      offset += 2 + length
    }
    return nil
  }
}
