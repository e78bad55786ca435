import Wire

/// The target port groups of a logical unit and how it is reached through each.
///
/// Source: SPC-5, 6.37 (REPORT TARGET PORT GROUPS parameter data, length only header format).
package struct TargetPortGroups: ParameterData, Hashable, Sendable {
  package struct Group: BitwiseCopyable, Hashable, Sendable {
    /// TARGET PORT GROUP.
    package var identifier: UInt16

    package var state: AsymmetricAccessState

    /// PREF: the group the device would rather be reached through.
    package var isPreferred: Bool
  }

  /// Bytes before the groups: RETURN DATA LENGTH.
  package static let headerLength = 4

  /// The groups whose descriptors begin in the data, in its order.
  package var groups: [Group]

  /// Descriptors end where the data or the length they claim end.
  ///
  /// Every step moves at least the eight bytes of a descriptor without ports.
  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    guard bytes.byteCount >= Self.headerLength else {
      throw .tooShort(byteCount: bytes.byteCount, minimum: Self.headerLength)
    }
    let claimed = Self.headerLength + Int(bytes.bigEndian(at: 0, as: UInt32.self))
    let end = min(bytes.byteCount, claimed)
    groups = []
    var offset = Self.headerLength
    while offset + 8 <= end {
      let first = bytes.byte(at: offset)
      groups.append(
        Group(
          identifier: bytes.bigEndian(at: offset + 2, as: UInt16.self),
          state: AsymmetricAccessState(rawValue: first & 0x0F), isPreferred: first & 0x80 != 0))
      // Each target port has two reserved bytes and its relative identifier.
      offset += 8 + 4 * Int(bytes.byte(at: offset + 7))
    }
  }

  /// The state of a group; nil when it is not among them.
  package func state(of identifier: UInt16) -> AsymmetricAccessState? {
    groups.first { $0.identifier == identifier }?.state
  }
}
