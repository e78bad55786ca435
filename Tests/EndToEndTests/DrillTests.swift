import Lab
import Testing

@testable import Drills

extension EndToEnd {
  /// The short form of those drills that no other test has.
  @Suite("Drills", .requires(.tgtd, .fio, .ext4, .loop, .drills))
  struct DrillTests {
    private static let names = ["5", "6", "8", "9", "10", "12", "16", "17", "20", "21", "23", "26"]

    @Test("P2, P3, P4 what a drill wants holds in its short form", arguments: names)
    func short(name: String) async throws {
      let drill = try #require(
        Catalogue.all(clockJump: Binary.clockJump, guestCache: "").first { $0.name == name })
      let run = DrillRun(
        iscsifs: Binary.path, scale: .short, tool: Binary.drills, say: { _ in })
      let result = await run.perform(drill)
      #expect(result.objection == nil)
      #expect(result.verdict.failures.isEmpty, "\(result.line)")
    }
  }
}
