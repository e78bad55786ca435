/// How well a logical unit is reached through a target port group (ALUA).
///
/// Source: SPC-5, 5.17.2 (asymmetric logical unit access) and 6.37, table 305.
package struct AsymmetricAccessState: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  package static let activeOptimized = AsymmetricAccessState(rawValue: 0x0)
  package static let activeNonOptimized = AsymmetricAccessState(rawValue: 0x1)
  package static let standby = AsymmetricAccessState(rawValue: 0x2)
  package static let unavailable = AsymmetricAccessState(rawValue: 0x3)
  package static let logicalBlockDependent = AsymmetricAccessState(rawValue: 0x4)
  package static let offline = AsymmetricAccessState(rawValue: 0xE)
  package static let transitioning = AsymmetricAccessState(rawValue: 0xF)
}

extension AsymmetricAccessState: CustomStringConvertible {
  /// The word of the kernel's `access_state`, or the code in hexadecimal.
  package var description: String {
    switch self {
    case .activeOptimized: "active/optimized"
    case .activeNonOptimized: "active/non-optimized"
    case .standby: "standby"
    case .unavailable: "unavailable"
    case .logicalBlockDependent: "lba-dependent"
    case .offline: "offline"
    case .transitioning: "transitioning"
    default: "state \(rawValue.hexadecimal)h"
    }
  }
}
