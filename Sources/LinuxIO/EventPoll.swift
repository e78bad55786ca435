import CLinux
package import SystemPackage

/// The readiness of many descriptors in one wait.
///
/// One thread waits; what it found is read by position until the next wait.
/// The corresponding C functions are `epoll_create1`, `epoll_ctl` and `epoll_wait`.
@safe
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
  private let events: UnsafeMutablePointer<epoll_event>
  private let capacity: Int

  /// - Parameter capacity: events that one wait finds at most.
  package init(capacity: Int) throws(Errno) {
    precondition(capacity > 0)
    descriptor = OwnedDescriptor(owning: try Errno.check(clinux_epoll_create()))
    unsafe events = UnsafeMutablePointer.allocate(capacity: capacity)
    unsafe events.initialize(repeating: epoll_event(), count: capacity)
    self.capacity = capacity
  }

  deinit {
    unsafe events.deallocate()
  }

  /// The set's own descriptor, readable while an event waits.
  package var number: CInt { descriptor.rawValue }

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

  /// Waits for events, at most `timeoutMilliseconds` (-1: without limit).
  ///
  /// - Returns: how many there are; 0 also when a signal came.
  package borrowing func wait(timeoutMilliseconds: CInt) -> Int {
    // SAFETY: the kernel stores at most `capacity` events where that many lie.
    let count = unsafe clinux_epoll_wait(
      descriptor.rawValue, events, CInt(capacity), timeoutMilliseconds)
    precondition(count >= 0, "epoll_wait fails only on a bad descriptor or buffer")
    return Int(count)
  }

  /// What the last wait found at `position`, below the count it returned.
  package borrowing func event(at position: Int) -> (token: UInt64, interest: Interest) {
    precondition(position >= 0 && position < capacity)
    let event = unsafe events[position]
    return unsafe (event.data.u64, Interest(rawValue: event.events))
  }
}
