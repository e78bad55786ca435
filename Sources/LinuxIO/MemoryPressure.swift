import CLinux
package import SystemPackage

/// What a process asks of the kernel that memory is written back through: that it need not wait
/// for memory itself, and is not the one to be ended for want of it.
///
/// Each throws EPERM, or ENOMEM at a limit, where the caller may not.
package enum MemoryPressure {
  /// Keeps pages in memory from their first use on.
  ///
  /// The corresponding C function is `mlockall`, with MCL_ONFAULT: stacks and buffers that were
  /// never used take no memory.
  package static func lockMemory() throws(Errno) {
    try check(clinux_lock_memory())
  }

  /// Allocations in the kernel for this thread, and for those it starts, begin no I/O that would
  /// have to wait for it.
  ///
  /// The corresponding C function is `prctl(PR_SET_IO_FLUSHER)`.
  package static func declareFlusher() throws(Errno) {
    try check(clinux_set_io_flusher())
  }

  /// The process is ended for want of memory after all others (proc(5), oom_score_adj).
  package static func avoidBeingEnded() throws(Errno) {
    do {
      let path = FilePath("/proc/self/oom_score_adj")
      let file = try FileDescriptor.open(path, .writeOnly, options: .closeOnExec)
      try file.closeAfter { _ = try file.writeAll("-1000\n".utf8) }
    } catch { throw error as? Errno ?? .ioError }
  }

  private static func check(_ result: CInt) throws(Errno) {
    if result < 0 { throw Errno(rawValue: -result) }
  }
}
