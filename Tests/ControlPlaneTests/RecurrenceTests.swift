import Synchronization
import Testing

@testable import ControlPlane

@Suite("Lines of the log about many alike")
struct RecurrenceTests {
  private final class Watch: Sendable {
    let seconds = Mutex(0)

    func start() -> @Sendable () -> Duration {
      let start = seconds.withLock { $0 }
      return { .seconds(self.seconds.withLock { $0 } - start) }
    }

    func pass(_ count: Int) { seconds.withLock { $0 += count } }
  }

  @Test("are the first and ever fewer, and begin anew after a minute without")
  func thinned() {
    let watch = Watch()
    var recurrence = Recurrence()
    let flood = (0..<1000).compactMap { _ in recurrence.next(watch.start()) }
    #expect(flood == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512])
    watch.pass(60)
    #expect(recurrence.next(watch.start()) == nil)
    watch.pass(61)
    #expect(recurrence.next(watch.start()) == 1)
    for _ in 0..<10 {
      watch.pass(61)
      #expect(recurrence.next(watch.start()) == 1)
    }
  }
}
