/// Text that cannot be an iSCSI name at all.
package enum ISCSINameError: Error, Equatable, Sendable {
  case empty
  /// More than 223 bytes (RFC 7143, 4.2.7.1).
  case tooLong(byteCount: Int)
  /// A byte below 20h, 7Fh, or what was no UTF-8: it cannot travel in key=value text unharmed.
  case unprintable

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .empty: "the iSCSI name is empty"
    case .tooLong(let byteCount): "the iSCSI name has \(byteCount) bytes; 223 are allowed"
    case .unprintable: "the iSCSI name has control characters or bytes that are not UTF-8"
    }
  }
}
