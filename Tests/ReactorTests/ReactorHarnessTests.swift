import Glibc
import Testing

@testable import Reactor

@Suite("The harness", .bothChannels, .timeLimit(.minutes(5)))
struct ReactorHarnessTests {
  /// A copy a child had would keep a connection open, for as long as the child lives.
  @Test("what the target closes ends, whatever processes other tests start meanwhile")
  func children() throws {
    let harness = try ReactorHarness()
    let child = try StoppedProcess()
    defer { child.end() }
    try harness.closeTarget()
    #expect(harness.sessionState == .lost)
  }
}
