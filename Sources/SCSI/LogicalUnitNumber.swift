package struct LogicalUnitNumber: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64
  package init(rawValue: UInt64) { self.rawValue = rawValue }
}
