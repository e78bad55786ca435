/// What the kernel may keep of a LUN's bytes (`-o cache=`).
package enum CacheMode: String, CaseIterable, Equatable, Sendable {
  /// Every open bypasses the page cache, for LUNs that several hosts write.
  case none

  /// Reads are cached, writes return when the target has answered GOOD.
  case read

  /// Writes stay in the page cache until it is flushed; errors come at fsync and close.
  case writeback
}
