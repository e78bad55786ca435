import Synchronization
import Testing

@testable import Reactor

@Suite("Control tasks at the gate", .timeLimit(.minutes(5)))
struct ControlGateTests {
  private final class Log: Sendable {
    let state = Mutex((inside: 0, most: 0, order: [Int]()))
  }

  @Test("as many as there are places are in at once, the others come in their order")
  func bound() async {
    let gate = ControlGate(capacity: 3)
    let log = Log()
    for _ in 0..<3 { await gate.enter() }
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<500 {
        group.addTask {
          await gate.enter()
          log.state.withLock { state in
            state.inside += 1
            state.most = max(state.most, state.inside)
            state.order.append(index)
          }
          await Task.yield()
          log.state.withLock { $0.inside -= 1 }
          gate.leave()
        }
        // One after the other, so that there is an order to keep.
        while gate.waitingCount <= index { await Task.yield() }
      }
      #expect(log.state.withLock { $0.order.isEmpty })
      for _ in 0..<3 { gate.leave() }
    }
    let (inside, most, order) = log.state.withLock { $0 }
    #expect(inside == 0 && most <= 3)
    #expect(order.count == 500 && Set(order).count == 500)
    // Three at once may overtake each other by as much.
    #expect(order.enumerated().allSatisfy { abs($0.offset - $0.element) <= 3 })
    for _ in 0..<3 { await gate.enter() }
    #expect(gate.waitingCount == 0)
  }
}
