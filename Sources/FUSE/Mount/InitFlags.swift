/// What kernel and file system agree on at the start.
///
/// Source: linux/fuse.h, "INIT request/reply flags".
package struct InitFlags: OptionSet, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// FUSE_ASYNC_READ: read-ahead sends several READs at once.
  package static let asyncRead = InitFlags(rawValue: 1 << 0)
  /// FUSE_ATOMIC_O_TRUNC: O_TRUNC arrives in OPEN, so that it can be told from truncate(2).
  package static let atomicTruncate = InitFlags(rawValue: 1 << 3)
  /// FUSE_BIG_WRITES: WRITEs larger than a page.
  package static let bigWrites = InitFlags(rawValue: 1 << 5)
  /// FUSE_ASYNC_DIO: direct I/O larger than a request is sent in parallel pieces.
  package static let asyncDirect = InitFlags(rawValue: 1 << 15)
  /// FUSE_WRITEBACK_CACHE: writes stay in the page cache, and sizes and times are the kernel's.
  package static let writebackCache = InitFlags(rawValue: 1 << 16)
  /// FUSE_PARALLEL_DIROPS: lookups in one directory do not wait for each other.
  package static let parallelDirectoryOperations = InitFlags(rawValue: 1 << 18)
  package static let maximumPages = InitFlags(rawValue: 1 << 22)
  /// FUSE_EXPLICIT_INVAL_DATA: cached pages are dropped only when we say so.
  package static let explicitInvalidation = InitFlags(rawValue: 1 << 25)
  /// FUSE_INIT_EXT: there is a second word of flags.
  package static let extended = InitFlags(rawValue: 1 << 30)
  /// FUSE_DIRECT_IO_ALLOW_MMAP: a file opened for direct I/O can be mapped.
  package static let directAllowsMapping = InitFlags(rawValue: 1 << 36)
  /// FUSE_OVER_IO_URING: requests come in entries of rings.
  package static let overIOURing = InitFlags(rawValue: 1 << 41)
}
