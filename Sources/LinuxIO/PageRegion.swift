import CLinux

/// Page-aligned memory taken from the kernel once; pages cost nothing until touched.
///
/// The corresponding C function is `mmap`.
@safe
package struct PageRegion: ~Copyable {
  package let baseAddress: UnsafeMutableRawPointer
  package let byteCount: Int

  /// Maps `byteCount` bytes, rounded up to whole pages; nil when the kernel has none.
  package init?(byteCount: Int) {
    precondition(byteCount > 0)
    let rounded = (byteCount + 4095) & ~4095
    guard let pages = unsafe clinux_map_pages(rounded) else { return nil }
    unsafe baseAddress = pages
    self.byteCount = rounded
  }

  deinit {
    // SAFETY: exactly the pages that init mapped; nobody keeps pointers beyond the owner's life.
    unsafe clinux_unmap_pages(baseAddress, byteCount)
  }
}
