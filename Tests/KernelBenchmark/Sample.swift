import Guest

/// What one I/O cost in one round, in kilo-instructions.
struct Sample: Codable, Equatable, Sendable {
  /// Of the whole guest: fio, kernel and daemon.
  let guest: Double
  /// Of it, by the threads of the daemon, in user space and in the kernel for them.
  let daemon: Double

  init(guest: Double, daemon: Double) {
    self.guest = guest
    self.daemon = daemon
  }

  /// The difference of a long and a short run: starting and ending fio is in both.
  init(short: Run, long: Run) throws(GuestError) {
    let count = long.operationCount - short.operationCount
    guard count > 0, short.operationCount > 0 else {
      throw .failed("fio did \(short.operationCount) and \(long.operationCount) I/Os")
    }
    let scale = Double(count) * 1000
    guest = (long.busy - short.busy) / scale
    daemon = (long.daemon - short.daemon) / scale
  }
}
