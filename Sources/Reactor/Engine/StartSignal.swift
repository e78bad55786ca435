import LinuxIO
package import SystemPackage

/// Said once by a thread that has what it needs, waited for by who started it.
package final class StartSignal: Sendable {
  private let event: EventDescriptor

  package init() throws(Errno) {
    event = try EventDescriptor()
  }

  func signal() { event.signal() }

  func wait() { _ = event.wait(milliseconds: nil) }
}
