private import Wire

/// Sense data as a target writes them.
extension SenseData {
  /// Eighteen bytes of fixed-format sense data for a current error.
  ///
  /// `information` is left out where it needs more than the 32 bits the format has, as a device
  /// server must. Source: SPC-5, 4.4.3.
  package static func fixedFormat(
    key: SenseKey, additional: AdditionalSense, information: UInt64? = nil
  ) -> [UInt8] {
    let shown = information.flatMap { UInt32(exactly: $0) }
    var bytes: [UInt8] = [shown == nil ? 0x70 : 0xF0, 0, key.rawValue & 0x0F]
    bytes.appendBigEndian(shown ?? 0)
    bytes += [10, 0, 0, 0, 0, additional.code, additional.qualifier, 0, 0, 0, 0]
    return bytes
  }

  /// Descriptor-format sense data for a current error, with an information descriptor if given.
  ///
  /// Source: SPC-5, 4.4.2.
  package static func descriptorFormat(
    key: SenseKey, additional: AdditionalSense, information: UInt64? = nil
  ) -> [UInt8] {
    var bytes: [UInt8] = [0x72, key.rawValue & 0x0F, additional.code, additional.qualifier]
    bytes += [0, 0, 0, information == nil ? 0 : 12]
    if let information {
      bytes += [0x00, 0x0A, 0x80, 0x00]
      bytes.appendBigEndian(information)
    }
    return bytes
  }
}

extension SenseData: CustomStringConvertible {
  /// `ILLEGAL REQUEST 25/00`, with a word when the error is deferred.
  package var description: String {
    "\(isDeferred ? "deferred " : "")\(key) \(additionalSense)"
  }
}
