/// A value of HeaderDigest and DataDigest.
///
/// Source: RFC 7143, 13.1.
package enum DigestMethod: String, CaseIterable, Sendable {
  case none = "None"
  case crc32c = "CRC32C"
}
