/// One name of a logical unit, a target port or a target device.
///
/// Source: SPC-5, 7.7.6.1 (designation descriptor).
package struct Designator: Hashable, Sendable {
  /// What is named.
  package enum Association: UInt8, Sendable {
    case logicalUnit = 0b00
    case targetPort = 0b01
    case targetDevice = 0b10
    case reserved = 0b11
  }

  /// How the designator's bytes are written.
  package struct CodeSet: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let binary = CodeSet(rawValue: 0x1)
    package static let ascii = CodeSet(rawValue: 0x2)
    package static let utf8 = CodeSet(rawValue: 0x3)
  }

  /// Which naming scheme the designator follows.
  package struct Kind: RawRepresentable, Hashable, Sendable {
    package var rawValue: UInt8

    package init(rawValue: UInt8) {
      self.rawValue = rawValue
    }

    package static let vendorSpecific = Kind(rawValue: 0x0)
    package static let t10VendorIdentification = Kind(rawValue: 0x1)
    package static let eui64 = Kind(rawValue: 0x2)
    package static let naa = Kind(rawValue: 0x3)
    package static let relativeTargetPort = Kind(rawValue: 0x4)
    package static let targetPortGroup = Kind(rawValue: 0x5)
    package static let scsiNameString = Kind(rawValue: 0x8)
  }

  /// PROTOCOL IDENTIFIER, where PIV says it is valid: 5h is iSCSI.
  package var protocolIdentifier: UInt8?

  package var codeSet: CodeSet
  package var association: Association
  package var kind: Kind

  /// DESIGNATOR, never empty.
  package var bytes: [UInt8]
}

extension Designator {
  /// The name in the form `naa.`, `eui.` or `t10.`; nil for another scheme or an impossible length.
  ///
  /// It is fit for a file name: no ':', no '/', nothing unprintable.
  /// Source: SPC-5, 7.7.6.4 (T10), 7.7.6.5 (EUI-64), 7.7.6.6 (NAA).
  package var worldWideName: String? {
    switch (kind, codeSet) {
    case (.naa, .binary):
      guard let nameAddressAuthority = bytes.first.map({ $0 >> 4 }) else { return nil }
      guard bytes.count == (nameAddressAuthority == 6 ? 16 : 8) else { return nil }
      return "naa." + hexadecimal
    case (.eui64, .binary):
      guard [8, 12, 16].contains(bytes.count) else { return nil }
      return "eui." + hexadecimal
    case (.t10VendorIdentification, .ascii), (.t10VendorIdentification, .utf8):
      let text = fileNameText
      return text.isEmpty ? nil : "t10." + text
    default:
      return nil
    }
  }

  /// The bytes in lower-case hexadecimal, as names are written.
  package var hexadecimal: String {
    bytes.map { $0.hexadecimal.lowercased() }.joined()
  }

  /// The bytes as text for a file name: each run of spaces one '_', the ends without any, and what
  /// is neither letter, digit, '-', '.' nor '_' written `%XX`.
  private var fileNameText: String {
    var text = ""
    var hasGap = false
    for byte in bytes {
      guard byte != 0x20, byte != 0 else {
        hasGap = !text.isEmpty
        continue
      }
      if hasGap { text.append("_") }
      hasGap = false
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "_"):
        text.append(Character(Unicode.Scalar(byte)))
      default:
        text.append("%" + byte.hexadecimal)
      }
    }
    return text
  }
}
