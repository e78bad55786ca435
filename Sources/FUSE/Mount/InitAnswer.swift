/// Our answer to FUSE_INIT, which replaces the one libfuse makes.
///
/// libfuse 3.14 does not know the flags of newer kernels; it only has to believe that the
/// handshake was its own. Not claimed, on purpose: SPLICE (requests are read into slots), POSIX
/// and BSD locks (the kernel's local ones work), HANDLE_KILLPRIV (nothing here is set-user-ID).
/// Source: linux/fuse.h, `struct fuse_init_out`.
package struct InitAnswer: Equatable, Sendable {
  package static let byteCount = 64

  /// Pages a request may carry: 1 MiB of 4096-byte pages.
  static let pageLimit: UInt16 = 256
  /// Read-ahead and asynchronous direct requests the kernel keeps in flight.
  static let backgroundLimit: UInt16 = 128
  /// Beyond these it calls the device congested: three quarters, as the kernel's own default.
  static let congestionThreshold: UInt16 = 96

  package var maximumReadAheadBytes: UInt32
  package var flags: InitFlags

  /// What we take of the kernel's offer.
  package init(to request: InitRequest, cacheMode: CacheMode, offersRing: Bool = false) {
    var wanted: InitFlags = [
      .asyncRead, .atomicTruncate, .bigWrites, .asyncDirect, .parallelDirectoryOperations,
      .maximumPages, .explicitInvalidation, .extended, .directAllowsMapping,
    ]
    if cacheMode == .writeback {
      wanted.insert(.writebackCache)
      // With written-back pages the kernel keeps sizes itself: after an O_TRUNC told of by OPEN a
      // LUN would be empty until it is forgotten. As SETATTR it is answered with the true size.
      wanted.remove(.atomicTruncate)
    }
    if offersRing { wanted.insert(.overIOURing) }
    flags = request.offered.intersection(wanted)
    // The kernel takes the smaller of this and its own; a small offer is its way to say 128 KiB.
    maximumReadAheadBytes = max(
      request.maximumReadAheadBytes, UInt32(MountOptions.transferByteLimit))
  }

  /// Puts this answer over libfuse's, a whole reply (`fuse_out_header` and `fuse_init_out`).
  ///
  /// Protocol versions stay as libfuse negotiated them. False, and nothing changed, when the reply
  /// is an error or shorter than the struct: then the kernel is too old for us anyway.
  package func patch(reply bytes: inout [UInt8]) -> Bool {
    let body = 16
    guard bytes.count >= body + Self.byteCount, bytes[4...7].allSatisfy({ $0 == 0 }) else {
      return false
    }
    func store<T: FixedWidthInteger>(_ value: T, at offset: Int, in bytes: inout [UInt8]) {
      for index in 0..<(T.bitWidth / 8) {
        bytes[body + offset + index] = UInt8(truncatingIfNeeded: value >> T(index * 8))
      }
    }
    store(maximumReadAheadBytes, at: 8, in: &bytes)
    store(UInt32(truncatingIfNeeded: flags.rawValue), at: 12, in: &bytes)
    store(Self.backgroundLimit, at: 16, in: &bytes)
    store(Self.congestionThreshold, at: 18, in: &bytes)
    store(UInt32(MountOptions.transferByteLimit), at: 20, in: &bytes)
    store(UInt32(1), at: 24, in: &bytes)
    store(Self.pageLimit, at: 28, in: &bytes)
    store(UInt16(0), at: 30, in: &bytes)
    store(UInt32(truncatingIfNeeded: flags.rawValue >> 32), at: 32, in: &bytes)
    return true
  }
}
