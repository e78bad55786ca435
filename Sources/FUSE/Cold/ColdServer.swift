import LinuxIO
package import SystemPackage

/// The cold thread: takes requests from the queue and starts them, one after the other.
package final class ColdServer: Sendable {
  private let session: FileSystemSession
  private let queue: ColdQueue
  private let thread: PosixThread

  /// Starts the thread; EAGAIN where there can be none.
  package init(session: FileSystemSession, queue: ColdQueue) throws(Errno) {
    self.session = session
    self.queue = queue
    thread = try PosixThread.start(name: "iscsifs-cold") {
      while let request = queue.next() { session.process(request) }
    }
  }

  /// Ends the thread, answers what is left and frees the session.
  ///
  /// Call it once, after the reader of requests has ended because the mount is gone.
  package func shutDown() {
    queue.close()
    session.closeDispatcher()
    thread.join()
    session.destroy()
  }
}
