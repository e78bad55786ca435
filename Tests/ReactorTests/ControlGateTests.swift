import Synchronization
import Testing

@testable import Reactor

@Suite("Control tasks at the gate", .timeLimit(.minutes(5)))
struct ControlGateTests {
  private final class Log: Sendable {
    let state = Mutex((inside: 0, most: 0, order: [Int]()))
  }

  @Test(
    "as many as there are places are in at once, the others come in their order",
    arguments: [1, 3])
  func bound(capacity: Int) async {
    let gate = ControlGate(capacity: capacity)
    let log = Log()
    for _ in 0..<capacity { await gate.enter() }
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
      for _ in 0..<capacity { gate.leave() }
    }
    let (inside, most, order) = log.state.withLock { $0 }
    #expect(inside == 0 && most <= capacity)
    #expect(order.count == 500 && Set(order).count == 500)
    // Those that are in at once tell so as they get to it.
    if capacity == 1 { #expect(order == Array(0..<500)) }
    for _ in 0..<capacity { await gate.enter() }
    #expect(gate.waitingCount == 0)
  }
}
