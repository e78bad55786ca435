import CLinux

/// Who may have this process's memory besides itself.
package enum ProcessMemory {
  /// Only root with the right to trace: no core is written however the process ends, not to a
  /// program that collects them either, and no other process of the user's may read it.
  ///
  /// Holds until `expose` and the next program this process becomes. What `/proc` has of the
  /// process is then root's. The corresponding C function is `prctl(PR_SET_DUMPABLE)`.
  package static func protect() {
    let result = clinux_set_dumpable(0)
    precondition(result == 0, "PR_SET_DUMPABLE takes 0")
  }

  /// The user's other processes too, and a core.
  package static func expose() {
    let result = clinux_set_dumpable(1)
    precondition(result == 0, "PR_SET_DUMPABLE takes 1")
  }
}
