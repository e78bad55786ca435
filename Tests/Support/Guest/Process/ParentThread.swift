import LinuxIO
import Synchronization

/// The one thread that starts programs: they die with it, which is when this process ends.
///
/// Any other thread may end before: those that run tasks do when they are idle for some seconds,
/// and the main thread of an asynchronous program does at once.
final class ParentThread: Sendable {
  static let shared = ParentThread()

  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let wakeup: EventDescriptor

  private init() {
    guard let wakeup = try? EventDescriptor() else {
      preconditionFailure("a test has descriptors left")
    }
    self.wakeup = wakeup
    PosixThread(name: "parent") { [self] in
      while true {
        _ = self.wakeup.wait(milliseconds: nil)
        self.wakeup.clear()
        let waiting = jobs.withLock { jobs in
          defer { jobs = [] }
          return jobs
        }
        for job in waiting { job() }
      }
    }.detach()
  }

  /// Runs `body` there and waits for it.
  func run<Answer: Sendable>(_ body: @escaping @Sendable () -> Answer) -> Answer {
    let errand = Errand<Answer>()
    jobs.withLock { $0.append { errand.finish(body()) } }
    wakeup.signal()
    return errand.wait()
  }

  /// A call on its way there and back.
  private final class Errand<Answer: Sendable>: Sendable {
    private let answer = Mutex<Answer?>(nil)
    private let done: EventDescriptor

    init() {
      guard let done = try? EventDescriptor() else {
        preconditionFailure("a test has descriptors left")
      }
      self.done = done
    }

    func finish(_ value: Answer) {
      answer.withLock { $0 = value }
      done.signal()
    }

    func wait() -> Answer {
      while true {
        _ = done.wait(milliseconds: nil)
        if let value = answer.withLock(\.self) { return value }
      }
    }
  }
}
