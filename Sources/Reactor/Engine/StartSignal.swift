import LinuxIO
import Synchronization
import SystemPackage

/// Said once by a thread that has what it needs, or why it has not, waited for by who started it.
final class StartSignal: Sendable {
  private let event: EventDescriptor
  private let failure = Mutex<Errno?>(nil)

  init() throws(Errno) {
    event = try EventDescriptor()
  }

  func signal(_ error: Errno? = nil) {
    failure.withLock { $0 = error }
    event.signal()
  }

  func wait() throws(Errno) {
    _ = event.wait(milliseconds: nil)
    if let error = failure.withLock({ $0 }) { throw error }
  }
}
