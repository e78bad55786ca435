/// By how much a task moved other than the expected data transfer length.
///
/// Source: RFC 7143, 11.4.5.
package enum Residual: BitwiseCopyable, Equatable, Sendable {
  case none
  /// Bytes expected that were not moved.
  case underflow(UInt32)
  /// Bytes that could not be moved because more than expected were there.
  case overflow(UInt32)

  /// Reads the O (bit 2) and U (bit 1) flags; nil when both are set.
  package init?(flags: UInt8, count: UInt32) {
    switch flags & 0x06 {
    case 0x00: self = .none
    case 0x02: self = .underflow(count)
    case 0x04: self = .overflow(count)
    default: return nil
    }
  }

  package var flags: UInt8 {
    switch self {
    case .none: 0
    case .underflow: 0x02
    case .overflow: 0x04
    }
  }

  package var count: UInt32 {
    switch self {
    case .none: 0
    case .underflow(let count), .overflow(let count): count
    }
  }
}
