import CLinux
import Glibc

/// A kernel thread that runs one closure.
///
/// The reactor, the cold requests and blocking calls each have their own; none is ever killed.
/// The corresponding C functions are `pthread_create` and `pthread_join`.
package final class PosixThread: Sendable {
  private final class Start: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
      self.name = name
      self.body = body
    }
  }

  private let thread: pthread_t

  /// Starts a thread called `name` (15 bytes are shown) that runs `body`.
  package init(name: String, _ body: @escaping @Sendable () -> Void) {
    var thread = pthread_t()
    // SAFETY: the box is retained for the thread, which releases it first thing.
    let start = unsafe Unmanaged.passRetained(Start(name: name, body: body)).toOpaque()
    let result = unsafe pthread_create(
      &thread, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
        unsafe clinux_name_thread(String(start.name.prefix(15)))
        start.body()
        return nil
      }, start)
    precondition(result == 0, "a thread is started at mount time, when memory is there")
    self.thread = thread
  }

  /// Lets the thread end by itself: nobody will join it.
  ///
  /// The corresponding C function is `pthread_detach`.
  package func detach() {
    pthread_detach(thread)
  }

  /// Waits until the closure has returned; call it once.
  package func join() {
    pthread_join(thread, nil)
  }
}
