import CLinux
package import SystemPackage

/// What a descriptor can be waited for.
package enum Readiness: Sendable {
  case readable
  case writable

  /// POLLIN or POLLOUT.
  fileprivate var pollEvents: Int16 {
    switch self {
    case .readable: 1
    case .writable: 4
    }
  }
}

extension OwnedDescriptor {
  /// Blocks until the descriptor is ready or has failed; the next call on it tells which.
  ///
  /// Throws ETIMEDOUT at `deadline` and ECANCELED when cancelled.
  /// The corresponding C function is `poll`.
  package borrowing func awaitReadiness(
    _ readiness: Readiness, deadline: MonotonicTime, cancellation: CancellationSignal? = nil
  ) throws(Errno) {
    while true {
      let left = MonotonicTime.now.milliseconds(until: deadline)
      let timeout = CInt(clamping: left)
      let other = cancellation.map { $0.event.descriptor.rawValue } ?? -1
      let result = try Errno.check(
        clinux_poll_two(rawValue, readiness.pollEvents, other, timeout))
      if result & 2 != 0 { throw .canceled }
      if result & 1 != 0 { return }
      if left == 0 { throw .timedOut }
    }
  }
}
