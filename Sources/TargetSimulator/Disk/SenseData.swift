/// Why a command did not end GOOD: sense key, additional sense code and qualifier.
///
/// Source: SPC-5, 4.4.
package struct SenseData: Hashable, Sendable {
  package var key: UInt8
  package var additionalSenseCode: UInt8
  package var additionalSenseCodeQualifier: UInt8
  /// The INFORMATION field: the LBA of a medium error or miscompare, where there is one.
  package var information: UInt64?

  package init(_ key: UInt8, _ code: UInt8, _ qualifier: UInt8, information: UInt64? = nil) {
    self.key = key
    additionalSenseCode = code
    additionalSenseCodeQualifier = qualifier
    self.information = information
  }

  package static let none = SenseData(0x0, 0x00, 0x00)
  package static let standby = SenseData(0x2, 0x04, 0x0B)
  package static let stopped = SenseData(0x2, 0x04, 0x02)
  package static let mediumNotPresent = SenseData(0x2, 0x3A, 0x00)
  package static let parameterListLengthError = SenseData(0x5, 0x1A, 0x00)
  package static let invalidOperationCode = SenseData(0x5, 0x20, 0x00)
  package static let addressOutOfRange = SenseData(0x5, 0x21, 0x00)
  package static let invalidFieldInCDB = SenseData(0x5, 0x24, 0x00)
  package static let logicalUnitNotSupported = SenseData(0x5, 0x25, 0x00)
  package static let invalidFieldInParameterList = SenseData(0x5, 0x26, 0x00)
  package static let savingParametersNotSupported = SenseData(0x5, 0x39, 0x00)
  package static let powerOnOrReset = SenseData(0x6, 0x29, 0x00)
  package static let busDeviceReset = SenseData(0x6, 0x29, 0x03)
  package static let nexusLoss = SenseData(0x6, 0x29, 0x07)
  package static let capacityChanged = SenseData(0x6, 0x2A, 0x09)
  package static let commandsCleared = SenseData(0x6, 0x2F, 0x00)
  package static let reportedLUNsChanged = SenseData(0x6, 0x3F, 0x0E)
  package static let writeProtected = SenseData(0x7, 0x27, 0x00)
  package static let protocolServiceCRCError = SenseData(0xB, 0x47, 0x05)

  package static func unrecoveredReadError(at lba: UInt64) -> SenseData {
    SenseData(0x3, 0x11, 0x00, information: lba)
  }

  package static func miscompare(at offset: UInt64) -> SenseData {
    SenseData(0xE, 0x1D, 0x00, information: offset)
  }

  /// The bytes for the wire: 72h (descriptor) or 70h (fixed) format, current.
  ///
  /// The fixed INFORMATION field has 32 bits; a larger value is left out (VALID = 0) as SPC-5,
  /// 4.4.3 demands.
  package func encoded(descriptorFormat: Bool) -> [UInt8] {
    guard descriptorFormat else {
      var bytes = [UInt8](repeating: 0, count: 18)
      bytes[0] = 0x70
      bytes[2] = key
      bytes[7] = 10
      bytes[12] = additionalSenseCode
      bytes[13] = additionalSenseCodeQualifier
      if let information, information <= UInt64(UInt32.max) {
        bytes[0] |= 0x80
        bytes.store(number: information, at: 3, count: 4)
      }
      return bytes
    }
    var bytes: [UInt8] = [
      0x72, key, additionalSenseCode, additionalSenseCodeQualifier, 0, 0, 0, 0,
    ]
    if let information {
      bytes[7] = 12
      bytes += [0x00, 0x0A, 0x80, 0x00]
      bytes.append(number: information, count: 8)
    }
    return bytes
  }
}
