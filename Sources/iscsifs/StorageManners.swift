import LinuxIO
import Logging
import SystemPackage

/// How a daemon behaves that disks are served by: memory may be written back through it, so that it
/// must go on where there is none.
enum StorageManners {
  /// Takes them on for this thread, those it starts and the process; what is not allowed is told
  /// once, and the daemon serves without.
  static func adopt(logger: Logger) {
    var missed: [String] = []
    attempt("memory is not locked", &missed, MemoryPressure.lockMemory)
    attempt("the kernel may wait for our own I/O", &missed, MemoryPressure.declareFlusher)
    attempt("we may be ended for want of memory", &missed, MemoryPressure.avoidBeingEnded)
    guard !missed.isEmpty else { return }
    logger.warning(
      """
      without the right to more (CAP_IPC_LOCK, CAP_SYS_RESOURCE): \
      \(missed.joined(separator: "; "))
      """)
  }

  private static func attempt(
    _ loss: String, _ missed: inout [String], _ measure: () throws(Errno) -> Void
  ) {
    do throws(Errno) { try measure() } catch { missed.append("\(loss) (\(error))") }
  }
}
