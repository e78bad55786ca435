/// The four-bit class of an error or condition.
///
/// Source: SPC-5, 4.4.8 (sense key definitions).
package struct SenseKey: RawRepresentable, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt8

  @inlinable
  package init(rawValue: UInt8) {
    self.rawValue = rawValue
  }

  @inlinable package static var noSense: SenseKey { SenseKey(rawValue: 0x0) }
  @inlinable package static var recoveredError: SenseKey { SenseKey(rawValue: 0x1) }
  @inlinable package static var notReady: SenseKey { SenseKey(rawValue: 0x2) }
  @inlinable package static var mediumError: SenseKey { SenseKey(rawValue: 0x3) }
  @inlinable package static var hardwareError: SenseKey { SenseKey(rawValue: 0x4) }
  @inlinable package static var illegalRequest: SenseKey { SenseKey(rawValue: 0x5) }
  @inlinable package static var unitAttention: SenseKey { SenseKey(rawValue: 0x6) }
  @inlinable package static var dataProtect: SenseKey { SenseKey(rawValue: 0x7) }
  @inlinable package static var blankCheck: SenseKey { SenseKey(rawValue: 0x8) }
  @inlinable package static var vendorSpecific: SenseKey { SenseKey(rawValue: 0x9) }
  @inlinable package static var copyAborted: SenseKey { SenseKey(rawValue: 0xA) }
  @inlinable package static var abortedCommand: SenseKey { SenseKey(rawValue: 0xB) }
  @inlinable package static var volumeOverflow: SenseKey { SenseKey(rawValue: 0xD) }
  @inlinable package static var miscompare: SenseKey { SenseKey(rawValue: 0xE) }
  @inlinable package static var completed: SenseKey { SenseKey(rawValue: 0xF) }
}

extension SenseKey: CustomStringConvertible {
  /// The standard's name; all sixteen values of the field have one.
  package var description: String {
    switch self {
    case .noSense: "NO SENSE"
    case .recoveredError: "RECOVERED ERROR"
    case .notReady: "NOT READY"
    case .mediumError: "MEDIUM ERROR"
    case .hardwareError: "HARDWARE ERROR"
    case .illegalRequest: "ILLEGAL REQUEST"
    case .unitAttention: "UNIT ATTENTION"
    case .dataProtect: "DATA PROTECT"
    case .blankCheck: "BLANK CHECK"
    case .vendorSpecific: "VENDOR SPECIFIC"
    case .copyAborted: "COPY ABORTED"
    case .abortedCommand: "ABORTED COMMAND"
    case .volumeOverflow: "VOLUME OVERFLOW"
    case .miscompare: "MISCOMPARE"
    case .completed: "COMPLETED"
    default: "sense key \(rawValue.hexadecimal)h"
    }
  }
}
