import Glibc

/// A descriptor to be waited for together with others, and afterwards what it is ready for.
package struct PollEntry: Sendable {
  /// The number, borrowed until the wait is over.
  package let number: CInt
  package var reads: Bool
  package var writes: Bool

  package init(_ descriptor: borrowing OwnedDescriptor, reads: Bool = false, writes: Bool = false) {
    number = descriptor.rawValue
    self.reads = reads
    self.writes = writes
  }

  /// Waits until one of `entries` is ready or the time (-1: without limit) is over.
  ///
  /// A peer that has gone makes its socket readable: reading tells.
  /// The corresponding C function is `poll`.
  ///
  /// - Returns: the entries in their order, each with what it is ready for.
  package static func wait(for entries: [PollEntry], timeoutMilliseconds: CInt) -> [PollEntry] {
    var kernelEntries = entries.map { entry in
      pollfd(
        fd: entry.number,
        events: Int16((entry.reads ? POLLIN : 0) | (entry.writes ? POLLOUT : 0)), revents: 0)
    }
    // SAFETY: the kernel reads and writes exactly the entries of the array.
    let readyCount = unsafe kernelEntries.withUnsafeMutableBufferPointer {
      unsafe poll($0.baseAddress, nfds_t($0.count), timeoutMilliseconds)
    }
    return zip(entries, kernelEntries).map { entry, kernelEntry in
      var entry = entry
      let events = readyCount > 0 ? CInt(kernelEntry.revents) : 0
      entry.reads = events & (POLLIN | POLLERR | POLLHUP | POLLNVAL) != 0
      entry.writes = events & POLLOUT != 0
      return entry
    }
  }
}
