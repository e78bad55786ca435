/// What an open file is ready for, as `poll(2)` has it.
///
/// Source: asm-generic/poll.h.
package struct PollEvents: OptionSet, BitwiseCopyable, Hashable, Sendable {
  package var rawValue: UInt32

  package init(rawValue: UInt32) {
    self.rawValue = rawValue
  }

  /// POLLIN and POLLRDNORM.
  package static let readable = PollEvents(rawValue: 0x0041)
  /// POLLOUT and POLLWRNORM.
  package static let writable = PollEvents(rawValue: 0x0104)
  /// POLLHUP: nothing more will come.
  package static let hangUp = PollEvents(rawValue: 0x0010)
}
