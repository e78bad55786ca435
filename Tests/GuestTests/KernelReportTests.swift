import FoundationEssentials
import Testing

@testable import KernelBenchmark

@Suite("The report beside the kernel")
struct KernelReportTests {
  private static let first = FioJob.all[0]
  private static let second = FioJob.all[1]

  private static func report(_ comparison: Comparison) -> KernelReport {
    KernelReport(
      comparison, guestKernel: "6.1", emulator: "qemu", network: "tap", channel: "dev",
      targetParameters: [], rounds: 3)
  }

  /// Two jobs, three rounds; in the first job the rounds differ, the pairs' ratio does not.
  private static var comparison: Comparison {
    var comparison = Comparison()
    for (round, base) in [40.0, 50, 60].enumerated() {
      comparison.add(Sample(guest: base, daemon: 0), first, .kernel, round: round)
      comparison.add(Sample(guest: base * 1.5, daemon: base), first, .iscsifs, round: round)
      comparison.add(Sample(guest: 100, daemon: 0), second, .kernel, round: round)
      comparison.add(Sample(guest: 30, daemon: 10), second, .iscsifs, round: round)
    }
    return comparison
  }

  @Test("has medians, their spread, pairwise ratios and their average")
  func table() {
    let report = Self.report(Self.comparison)
    let lines = report.table.split(separator: "\n").map(String.init)
    #expect(lines.count == 5)
    #expect(
      lines[2] == "| randread 4 KiB, depth 1 | 50.0 ±20 % | not measured | 75.0 ±20 % "
        + "| 50.0 ±20 % | not measured | 1.50 |")
    #expect(
      lines[3] == "| randwrite 4 KiB, depth 1 | 100.0 ±0 % | not measured | 30.0 ±0 % "
        + "| 10.0 ±0 % | not measured | 0.30 |")
    #expect(lines[4] == "| average of the ratios |  |  |  |  | not measured | **0.90** |")
    #expect(report.verdict.contains("0.90 times"))
    #expect(report.verdict.contains("over 2 jobs"))
    #expect(report.verdict.contains("reached"))
  }

  @Test("says that a goal is missed")
  func missed() {
    var comparison = Comparison()
    comparison.add(Sample(guest: 10, daemon: 0), Self.first, .kernel, round: 0)
    comparison.add(Sample(guest: 10.1, daemon: 0), Self.first, .iscsifs, round: 0)
    #expect(Self.report(comparison).verdict.contains("missed"))
  }

  @Test("says what could not be compared")
  func nothing() {
    var comparison = Comparison()
    comparison.add(Sample(guest: 10, daemon: 0), Self.first, .iscsifs, round: 0)
    let report = Self.report(comparison)
    #expect(report.averageRatios.isEmpty)
    #expect(report.verdict == "iscsifs could not be compared with the kernel.")
    #expect(report.table.contains("not measured"))
  }

  @Test("has no average over jobs some of which are missing")
  func incomplete() {
    var comparison = Self.comparison
    comparison.add(Sample(guest: 80, daemon: 0), Self.first, .storageDaemon, round: 0)
    #expect(comparison.averageRatio(.storageDaemon) == nil)
    #expect(comparison.ratio(Self.first, .storageDaemon)?.median == 2)
  }

  @Test("is the same when read back from its file")
  func json() throws {
    let report = Self.report(Self.comparison)
    let read = try JSONDecoder().decode(KernelReport.self, from: report.json())
    #expect(read == report)
    #expect(read.figures.first?.samples.count == 3)
  }

  @Test(
    "rounds figures as people do",
    arguments: [
      (1.005, 1, "1.0"), (0.96, 1, "1.0"), (12.34, 1, "12.3"), (0.05, 2, "0.05"), (-0.5, 1, "-0.5"),
      (7.5, 0, "8"), (-0.001, 2, "0.00"),
    ])
  func digits(value: Double, digits: Int, text: String) {
    #expect(fixed(value, digits: digits) == text)
  }

  @Test("takes the middle of the samples", arguments: [([3.0, 1, 2], 2.0), ([4, 1, 2, 3], 2.5)])
  func median(values: [Double], median: Double) {
    #expect(Statistics(values)?.median == median)
    #expect(Statistics([]) == nil)
  }
}
