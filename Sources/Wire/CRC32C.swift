private import CLinux

/// The CRC32C of iSCSI's header and data digests.
///
/// Digests cover bytes in pieces (header, additional header; data, padding): `update` each piece in
/// order, then read `value`. On the wire the value travels least significant byte first.
/// Source: RFC 7143, 13.1; RFC 3720 appendix B.4 has the vectors.
package struct CRC32C: BitwiseCopyable, Sendable {
  private var state: UInt32 = 0xFFFF_FFFF

  package init() {}

  /// The checksum of everything fed so far.
  package var value: UInt32 { ~state }

  /// Adds `bytes` to the checksum.
  package mutating func update(_ bytes: borrowing RawSpan) {
    let crc = state
    // SAFETY: the C function reads exactly `count` bytes of the borrowed span.
    state = unsafe bytes.withUnsafeBytes { unsafe clinux_crc32c(crc, $0.baseAddress, $0.count) }
  }
}
