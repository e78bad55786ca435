/// The number an initiator gives a task; unique among the tasks of a session.
///
/// Source: RFC 7143, 11.2.1.8.
package struct InitiatorTaskTag: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// FFFFFFFFh: no task.
  package static let reserved = InitiatorTaskTag(rawValue: 0xFFFF_FFFF)
}

/// The number a target gives a transfer or an exchange it wants answered.
///
/// Source: RFC 7143, 11.7.4.
package struct TargetTransferTag: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// FFFFFFFFh: none.
  package static let reserved = TargetTransferTag(rawValue: 0xFFFF_FFFF)
}
