import CFUSE3
import DequeModule
import LinuxIO
import Synchronization
package import SystemPackage

/// Tells the kernel what it must no longer believe, from a thread of its own.
///
/// The kernel may make the caller wait for a directory's or a page's lock, whose holder may wait
/// for an answer of ours: neither the reactor nor a task's thread can afford that.
package final class KernelNotifier: Sendable {
  /// One thing the kernel has to forget.
  package enum Notice: Equatable, Sendable {
    /// The attributes of a node; its cached pages too when `dropsPages`.
    case attributes(NodeNumber, dropsPages: Bool)
    /// A name in a directory.
    case name(String, in: NodeNumber)
  }

  private struct State: Sendable {
    var notices = Deque<Notice>()
    var isClosed = false
  }

  private let state = Mutex(State())
  private let filled: EventDescriptor
  private let thread = Mutex<PosixThread?>(nil)

  package init() throws(Errno) {
    filled = try EventDescriptor()
  }

  /// Queues a notice; the bound is the number of nodes the kernel knows.
  package func post(_ notice: Notice) {
    state.withLock { state in
      if !state.isClosed { state.notices.append(notice) }
    }
    filled.signal()
  }

  /// Starts the thread that hands each notice to `deliver`; EAGAIN where there can be none.
  func start(_ deliver: @escaping @Sendable (Notice) -> Void) throws(Errno) {
    let started = try PosixThread.start(name: "iscsifs-notify") { [self] in
      while let notice = next() { deliver(notice) }
    }
    thread.withLock { $0 = started }
  }

  /// Drops what waits and joins the thread; the mount must be gone, or the thread may be waiting
  /// for someone the caller keeps from answering.
  func stop() {
    state.withLock { state in
      state.isClosed = true
      state.notices.removeAll()
    }
    filled.signal()
    let started = thread.withLock { thread in thread.take() }
    started?.join()
  }

  private func next() -> Notice? {
    while true {
      let (notice, isClosed) = state.withLock { state in
        state.isClosed ? (nil, true) : (state.notices.popFirst(), false)
      }
      if isClosed { return nil }
      if let notice { return notice }
      _ = filled.wait(milliseconds: nil)
      filled.clear()
    }
  }
}
