import Reactor

/// A file that goes on: each open reads what comes after it, and waits for more.
struct StreamFile: Equatable, Sendable {
  enum Source: Equatable, Sendable {
    /// A line an event of the whole mount.
    case events
    /// A session's PDUs as pcap.
    case capture(SessionHandle)
  }

  var permissions: UInt16
  var source: Source
}
