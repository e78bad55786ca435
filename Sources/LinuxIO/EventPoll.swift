package import CLinux
package import SystemPackage

/// The readiness of many descriptors in one wait.
///
/// The corresponding C functions are `epoll_create1`, `epoll_ctl` and `epoll_wait`.
package struct EventPoll: ~Copyable {
  /// What a descriptor waits for or has.
  package struct Interest: OptionSet, BitwiseCopyable, Sendable {
    package var rawValue: UInt32

    package init(rawValue: UInt32) {
      self.rawValue = rawValue
    }

    package static let readable = Interest(rawValue: 0x001)
    package static let writable = Interest(rawValue: 0x004)
    package static let error = Interest(rawValue: 0x008)
    package static let hangup = Interest(rawValue: 0x010)
    package static let peerClosed = Interest(rawValue: 0x2000)
  }

  private let descriptor: OwnedDescriptor

  package init() throws(Errno) {
    descriptor = OwnedDescriptor(owning: try Errno.check(clinux_epoll_create()))
  }

  /// Watches `number` for `interest`; events of it carry `token`.
  package borrowing func add(_ number: CInt, _ interest: Interest, token: UInt64) throws(Errno) {
    _ = try Errno.check(clinux_epoll_add(descriptor.rawValue, number, interest.rawValue, token))
  }

  /// Changes what `number` is watched for.
  package borrowing func modify(_ number: CInt, _ interest: Interest, token: UInt64) throws(Errno) {
    _ = try Errno.check(clinux_epoll_modify(descriptor.rawValue, number, interest.rawValue, token))
  }

  /// Watches `number` no longer; closing a descriptor does the same.
  package borrowing func remove(_ number: CInt) {
    _ = clinux_epoll_remove(descriptor.rawValue, number)
  }

  /// Waits for events, at most `timeoutMilliseconds` (-1: without limit), and stores them.
  ///
  /// - Returns: how many were stored; 0 also when a signal came.
  package borrowing func wait(
    into events: UnsafeMutableBufferPointer<epoll_event>, timeoutMilliseconds: CInt
  ) -> Int {
    // SAFETY: the kernel stores at most `count` events where the caller's buffer lies.
    let count = unsafe clinux_epoll_wait(
      descriptor.rawValue, events.baseAddress, CInt(events.count), timeoutMilliseconds)
    precondition(count >= 0, "epoll_wait fails only on a bad descriptor or buffer")
    return Int(count)
  }
}
