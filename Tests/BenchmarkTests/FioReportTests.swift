import Testing

@testable import benchmark

@Suite("fio's report")
struct FioReportTests {
  @Test("one reader: rate, count and latency")
  func reader() throws {
    let report = try FioReport(parsing: Fixture.text("randread.json"))
    #expect(report.operations == 50493)
    #expect(report.operationsPerSecond == 167750.830565)
    #expect(report.bytesPerSecond == 687_107_401)
    #expect(
      report.latency == Latency(medianMicroseconds: 83.456, p99Microseconds: 634.88))
  }

  @Test("writers beside each other are one group")
  func writers() throws {
    let report = try FioReport(parsing: Fixture.text("writers.json"))
    #expect(report.operations == 131517)
    #expect(report.operationsPerSecond == 432621.710526)
    #expect(report.latency != nil)
  }

  @Test("notes before the JSON are passed over")
  func notes() throws {
    let text = "note: both iodepth >= 1 and synchronous I/O engine\n"
    let report = try FioReport(parsing: text + Fixture.text("randread.json"))
    #expect(report.operations == 50493)
  }

  @Test("a job that did nothing is an error, not a rate of 0")
  func failed() throws {
    let text = try Fixture.text("failed.json")
    #expect(throws: ReportError.nothingDone) { try FioReport(parsing: text) }
  }

  @Test("a job's errno is an error")
  func jobError() throws {
    let text = try Fixture.text("randread.json")
      .replacing("\"error\" : 0", with: "\"error\" : 107")
    #expect(throws: ReportError.jobFailed(107)) { try FioReport(parsing: text) }
  }

  @Test(
    "what is no JSON is said", arguments: ["", "fio: unrecognized option", "{\n \"jobs\" : [\n"])
  func noJSON(text: String) {
    #expect(throws: ReportError.notJSON(text)) { try FioReport(parsing: text) }
  }

  @Test("colons and backslashes of a file's name are escaped")
  func names() {
    #expect(FioJob.escaped("/m/iqn.2026-11.org:a/lun1") == "/m/iqn.2026-11.org\\:a/lun1")
    #expect(FioJob.escaped("a\\b") == "a\\\\b")
  }

  @Test("a job never makes the file it cannot find")
  func arguments() {
    let job = FioJob(kind: .randwrite, blockBytes: 4096, depth: 1, writers: 8)
    let arguments = job.arguments(seconds: 0.5)
    #expect(arguments.contains("--allow_file_create=0"))
    #expect(arguments.contains("--runtime=500ms"))
    #expect(arguments.contains("--numjobs=8"))
    #expect(arguments.contains("--ioengine=psync"))
  }
}
