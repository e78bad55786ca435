/// The additional sense code and its qualifier: what exactly happened.
///
/// Written as the standard's pair, 3F/0E.
/// Source: SPC-5, 4.4.6 (additional sense code) and annex F.2.
package struct AdditionalSense: BitwiseCopyable, Hashable, Sendable {
  /// ADDITIONAL SENSE CODE.
  package var code: UInt8

  /// ADDITIONAL SENSE CODE QUALIFIER.
  package var qualifier: UInt8

  @inlinable
  package init(code: UInt8, qualifier: UInt8) {
    self.code = code
    self.qualifier = qualifier
  }
}

extension AdditionalSense {
  /// Whether it tells of a power on, a reset or the loss of an I_T nexus, after which a volatile
  /// cache may be empty: 29/00 and all its qualifiers.
  @inlinable
  package var tellsOfReset: Bool { code == 0x29 }
}

extension AdditionalSense: CustomStringConvertible {
  /// The pair as the standard writes it: `25/00`.
  package var description: String { "\(code.hexadecimal)/\(qualifier.hexadecimal)" }
}
