/// TPGS: which asymmetric access (ALUA) a logical unit has between its target port groups.
///
/// Source: SPC-5, 6.7.2, table 153.
package struct TargetPortGroupSupport: OptionSet, BitwiseCopyable, Hashable, Sendable {
  package let rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  /// The two bits of the field, higher bits ignored.
  package init(bits: UInt8) {
    self.init(rawValue: bits & 0b11)
  }

  /// The device changes access states by itself.
  package static let implicit = TargetPortGroupSupport(rawValue: 0b01)

  /// SET TARGET PORT GROUPS changes access states.
  package static let explicit = TargetPortGroupSupport(rawValue: 0b10)
}
