import LinuxIO
import SystemPackage
import Testing

/// Blocking work on threads of its own.
struct BlockingPoolTests {
  private enum Refusal: Error { case full, failed }

  @Test func returnsWhatTheWorkReturns() async throws {
    let pool = try BlockingPool(name: "test", threadCount: 2, capacity: 64)
    let squares = await withTaskGroup(of: Int.self) { group in
      for number in 0..<20 {
        group.addTask {
          let square = try? await pool.run(refusal: Refusal.full) { () throws(Refusal) in
            number * number
          }
          return square ?? -1
        }
      }
      return await group.reduce(into: Set<Int>()) { $0.insert($1) }
    }
    #expect(squares == Set((0..<20).map { $0 * $0 }))
  }

  @Test func throwsWhatTheWorkThrows() async throws {
    let pool = try BlockingPool(name: "test", threadCount: 1, capacity: 4)
    await #expect(throws: Refusal.failed) {
      try await pool.run(refusal: Refusal.full) { () throws(Refusal) in throw Refusal.failed }
    }
  }

  @Test func refusesWhatDoesNotFit() async throws {
    let pool = try BlockingPool(name: "test", threadCount: 1, capacity: 1)
    let gate = try CancellationSignal()
    let begun = try CancellationSignal()
    async let first: Void? = try? pool.run(refusal: Refusal.full) { () throws(Refusal) in
      begun.cancel()
      while !gate.isCancelled {}
    }
    while !begun.isCancelled { await Task.yield() }
    // One waits, of the others at least one finds no place.
    let refusals = await withTaskGroup(of: Bool.self) { group in
      for _ in 0..<3 {
        group.addTask {
          do {
            try await pool.run(refusal: Refusal.full) { () throws(Refusal) in }
            return false
          } catch {
            gate.cancel()
            return true
          }
        }
      }
      return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    _ = await first
    #expect(refusals >= 1)
  }
}
