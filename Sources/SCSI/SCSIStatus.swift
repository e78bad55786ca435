package struct SCSIStatus: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }
  package static let good = SCSIStatus(rawValue: 0)
  package static let checkCondition = SCSIStatus(rawValue: 2)
}
