import Testing

@testable import Drills

/// How drills are told.
@Suite("Drill report")
struct DrillReportTests {
  private func result(_ name: String, _ verdict: Verdict, objection: String? = nil) -> DrillResult {
    DrillResult(
      name: name, action: "what is done", criterion: "what must hold", verdict: verdict,
      objection: objection, seconds: 12, factor: 0, day: "2026-11-26", machine: "Linux 6",
      version: "iscsifs 0")
  }

  @Test("a time above its limit fails the drill, one below does not; both are told")
  func times() {
    var verdict = Verdict()
    verdict.time("resumed after", .milliseconds(1234), atMost: .seconds(5), for: 4)
    #expect(verdict.hasPassed)
    verdict.time("killed within", .milliseconds(2500), atMost: .seconds(2), for: 3)
    #expect(verdict.failures == ["killed within 2.5 s, above 2 s"])
    #expect(verdict.figures.map(\.text) == ["resumed after 1.2 s", "killed within 2.5 s"])
  }

  @Test(
    "durations are told as people read them",
    arguments: [(3, "3 ms"), (999, "999 ms"), (1000, "1 s"), (1250, "1.3 s"), (125_040, "125 s")])
  func durations(milliseconds: Int, text: String) {
    #expect(Duration.milliseconds(milliseconds).text == text)
  }

  @Test("a line a drill: number, what was done, what must hold, figures, pass or FAIL")
  func line() {
    var verdict = Verdict()
    verdict.note("3 resets")
    #expect(
      result("5", verdict).line
        == "5: what is done. Wanted: what must hold. Measured: 3 resets. pass")
    verdict.fail("nothing was written")
    #expect(result("5", verdict).line.hasSuffix("FAIL: nothing was written"))
    #expect(result("5", Verdict(), objection: "tgt").line.hasSuffix("not: needs tgt"))
  }

  @Test("a promise has the figures that bear on it, with their drills, and the command")
  func promises() {
    var verdict = Verdict()
    verdict.note("known after 9 s", for: 3)
    verdict.note("a | in a cell", for: 4)
    let report = DrillReport(results: [result("6", verdict), result("7", Verdict())])
    let rows = report.promises.split(separator: "\n").map(String.init)
    let third = rows.first { $0.hasPrefix("| P3 ") } ?? ""
    #expect(third.hasSuffix("| known after 9 s (6) | `make drills DRILL='6'` |"))
    #expect(rows.count == 12 && rows.allSatisfy { $0.split(separator: "|").count <= 5 })
    #expect(report.drills.contains("12 s, short form"))
  }

  @Test("what several drills measured alike stands once, with all of them")
  func merged() {
    var verdict = Verdict()
    verdict.note("0 MiB more", for: 6)
    verdict.note("0 MiB more", for: 6)
    let row = DrillReport(results: [result("6", verdict), result("7", verdict)]).promises
      .split(separator: "\n").first { $0.hasPrefix("| P6 ") }
    #expect(row?.contains("| 0 MiB more (6, 7) |") == true)
  }

  @Test("the plot has a row for each wait of a drill, the longest, and shows one above its limit")
  func waits() {
    var verdict = Verdict()
    verdict.time("resumed after", .milliseconds(20), atMost: .seconds(5), for: 4)
    verdict.time("resumed after", .milliseconds(40), atMost: .seconds(5), for: 4)
    verdict.time("resumed after", .milliseconds(30), atMost: .seconds(5), for: 4)
    verdict.note("3 resets", for: 4)
    let good = WaitPlot([result("6", verdict), result("7", verdict)])
    #expect(good.rows.map(\.name) == ["6: resumed after", "7: resumed after"])
    #expect(good.rows.allSatisfy { $0.wait == .init(seconds: 0.04, limit: 5) })
    // Its sample in the legend.
    #expect(good.svg.split(separator: "class=\"missed\"").count == 2)
    verdict.time("killed within", .seconds(3), atMost: .seconds(2), for: 3)
    let bad = WaitPlot([result("6", verdict)])
    #expect(bad.svg.split(separator: "class=\"missed\"").count == 3)
  }

  @Test("two initiators of one run stand side by side")
  func comparison() {
    var verdict = Verdict()
    verdict.note("replacement_timeout 120 s")
    verdict.note("iscsifs: the read ended after 121 s", for: 3)
    verdict.note("qemu: the read had not ended after 150 s", for: 3)
    verdict.note("qemu: gone at last")
    let rows = DrillReport(results: [result("beside", verdict)]).comparison.split(separator: "\n")
    #expect(
      rows.dropFirst(2) == [
        "| the read ended after 121 s | the read had not ended after 150 s |",
        "|  | gone at last |",
      ])
    #expect(DrillReport(results: []).comparison == "")
  }

  @Test("only what stands between the marks is replaced; a page without them is refused")
  func record() throws {
    let page = "a\n\(DrillRecord.begin)\nold\n\(DrillRecord.end)\nb\n"
    let text = try #require(DrillRecord.replacing("new", in: page))
    #expect(text == "a\n\(DrillRecord.begin)\n\nnew\n\n\(DrillRecord.end)\nb\n")
    #expect(DrillRecord.replacing("new", in: "a\n\(DrillRecord.end)\n\(DrillRecord.begin)") == nil)
  }

  @Test("a scale lies between the short form and the full one")
  func scale() {
    #expect(Scale.full.seconds(600, short: 6) == 600)
    #expect(Scale.short.seconds(600, short: 6) == 6)
    #expect(Scale(factor: 0.5).seconds(600, short: 6) == 303)
  }

  @Test("every drill has a name of its own")
  func names() {
    let names = Catalogue.all(clockJump: "", guestCache: "").map(\.name)
    #expect(Set(names).count == names.count)
  }
}
