import Testing

@testable import Interop

@Suite("The table of real targets")
struct InteropReportTests {
  private let row = InteropReport.Row(
    title: "tgt 1.0", settings: "MaxConnections=8",
    outcomes: [
      .login: .passed(""), .digests: .passed("CRC32C"), .mutual: .impossible("it cannot"),
      .wire: .failed("a remark"),
    ], negotiated: [("plain", "InitialR2T=1")])

  @Test("has a row a capability and says pass, not, failed")
  func table() {
    var report = InteropReport(rows: [row])
    let lines = report.table.split(separator: "\n").map(String.init)
    #expect(lines.count == Capability.allCases.count + 2)
    #expect(lines[0] == "| capability | tgt 1.0 |")
    #expect(lines.contains("| login, no authentication | pass |"))
    #expect(lines.contains("| digests | pass: CRC32C |"))
    #expect(lines.contains("| mutual CHAP | not: it cannot |"))
    #expect(lines.contains("| on the wire | **failed**: a remark |"))
    #expect(lines.contains("| logout | not: not reached |"))
    #expect(!report.isComplete)
    report.rows[0].outcomes[.wire] = .passed("")
    #expect(report.isComplete)
  }

  @Test("what was negotiated stands below, with what the target was told")
  func negotiated() {
    let text = InteropReport(rows: [row]).page(machine: "Linux", version: "1")
    #expect(text.contains("| plain | InitialR2T=1 |"))
    #expect(text.contains("The target was told MaxConnections=8."))
  }
}
