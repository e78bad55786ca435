/// One key=value pair of login and text negotiation.
///
/// Bytes of a value that are not UTF-8 become U+FFFD: no key of ours takes such a value.
/// Source: RFC 7143, 6.1.
package struct TextParameter: Equatable, Sendable {
  /// The longest key, in bytes.
  package static let maximumKeyByteCount = 63
  /// The longest value kept, in bytes: what one PDU of a login can carry.
  package static let maximumValueByteCount = 8191
  /// The most pairs taken from one text.
  package static let maximumCount = 1_000

  package var key: String
  package var value: String

  package init(_ key: String, _ value: String) {
    self.key = key
    self.value = value
  }

  /// Reads one record, its NUL already removed.
  package init(parsing record: ArraySlice<UInt8>) throws(TextError) {
    guard let equals = record.prefix(Self.maximumKeyByteCount + 1).firstIndex(of: UInt8(ascii: "="))
    else {
      let start = String(decoding: record.prefix(Self.maximumKeyByteCount + 1), as: UTF8.self)
      throw record.contains(UInt8(ascii: "=")) ? .malformedKey(start) : .missingValue(start)
    }
    let keyBytes = record[..<equals]
    key = String(decoding: keyBytes, as: UTF8.self)
    guard !keyBytes.isEmpty, keyBytes.allSatisfy(Self.isKeyByte) else { throw .malformedKey(key) }
    let valueBytes = record[(equals + 1)...]
    guard valueBytes.count <= Self.maximumValueByteCount else {
      throw .valueTooLong(key: key, limit: Self.maximumValueByteCount)
    }
    value = String(decoding: valueBytes, as: UTF8.self)
  }

  /// Reads a whole text: records ended by NUL.
  ///
  /// Empty records (more NULs than needed) and a missing last NUL are taken as meant.
  package static func parameters(parsing text: [UInt8]) throws(TextError) -> [TextParameter] {
    var parameters: [TextParameter] = []
    var rest = text[...]
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0) ?? rest.endIndex
      let record = rest[..<end]
      rest = end == rest.endIndex ? [] : rest[(end + 1)...]
      guard !record.isEmpty else { continue }
      guard parameters.count < maximumCount else { throw .tooManyKeys(limit: maximumCount) }
      parameters.append(try TextParameter(parsing: record))
    }
    return parameters
  }

  /// The bytes for a data segment: every pair ended by NUL.
  package static func encode(_ parameters: [TextParameter]) -> [UInt8] {
    var bytes: [UInt8] = []
    for parameter in parameters {
      bytes += parameter.key.utf8
      bytes.append(UInt8(ascii: "="))
      bytes += parameter.value.utf8
      bytes.append(0)
    }
    return bytes
  }

  /// Letters, digits, `.-+@_`, and the `#` and `/` of extension keys (6.1, 13.26).
  private static func isKeyByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: ".-+@_#/".utf8.contains(byte)
    }
  }
}
