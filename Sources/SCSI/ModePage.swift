/// The code of a mode page.
///
/// Source: SPC-5, 7.5.1 (mode page codes).
package struct ModePage: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// Caching: write cache enable and its kin (SBC-4, 6.5.6).
  @inlinable package static var caching: ModePage { ModePage(rawValue: 0x08) }

  /// Control: task aborted status, software write protect (SPC-5, 7.5.10).
  @inlinable package static var control: ModePage { ModePage(rawValue: 0x0A) }

  /// Every page the device server has.
  @inlinable package static var all: ModePage { ModePage(rawValue: 0x3F) }
}
