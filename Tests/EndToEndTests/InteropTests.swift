import Lab
import Testing

@testable import Interop

extension EndToEnd {
  /// The short form of `make interop`: everything against real targets, small LUNs.
  @Suite("Real targets", .requires(.tshark, .fio))
  struct InteropTests {
    @Test("tgt with every key at its widest does everything", .requires(.tgtd))
    func tgt() async throws {
      try await expectEverything(of: .tuned)
    }

    @Test("istgt does everything it can", .requires(.istgt))
    func istgt() async throws {
      try await expectEverything(of: .istgt)
    }

    /// It agrees to no digest and sends no pings.
    @Test("tgt as it is without a word of configuration does everything it can", .requires(.tgtd))
    func tgtUntouched() async throws {
      try await expectEverything(of: .tgt, but: [.digests, .pings])
    }

    private func expectEverything(
      of kind: TargetKind, but missing: [Capability] = []
    ) async throws {
      try await withLab { lab in
        let target = try await kind.start(lab, mebibytes: 4, directory: lab.path) { _ in }
        var run = InteropRun(lab, target) { _ in }
        try await run.run(losesConnections: false)
        for capability in Capability.allCases where capability != .reassignment {
          let outcome = try #require(run.outcomes[capability], "\(capability) was left out")
          #expect(!outcome.isFailure, "\(capability): \(outcome.cell)")
        }
        // Nothing that must work anywhere is forgiven.
        for capability: Capability in [
          .discovery, .login, .scan, .patterns, .bigTransfers, .depth, .logout, .chap,
          .guardedDiscovery, .digests, .modes, .pings, .wire,
        ] where !missing.contains(capability) {
          let cell = run.outcomes[capability]?.cell ?? "nothing"
          #expect(cell.hasPrefix("pass"), "\(capability): \(cell)")
        }
      }
    }
  }
}
