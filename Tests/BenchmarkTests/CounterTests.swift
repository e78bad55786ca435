import Glibc
import Testing

@testable import benchmark

/// What `/proc` and other programs print.
@Suite("Counters")
struct CounterTests {
  @Test("schedstat begins with the time run")
  func schedulerStatistics() {
    #expect(ProcessorTime.nanoseconds(inStatistics: "1234567890 4567 89\n") == 1_234_567_890)
    for text in ["", "\n", "12 3", "x 1 2", "-1 2 3"] {
      #expect(ProcessorTime.nanoseconds(inStatistics: text) == nil)
    }
  }

  @Test("this process has used CPU time, and one that is gone none")
  func ofProcess() {
    #expect(ProcessorTime.nanoseconds(of: getpid()) > 0)
    #expect(ProcessorTime.nanoseconds(of: 0x7FFF_FFF0) == 0)
  }

  @Test("the peak of memory is VmHWM")
  func memory() {
    let text = "Name:\tiscsifs\nVmPeak:\t  800 kB\nVmHWM:\t   30212 kB\nVmRSS:\t 1 kB\n"
    #expect(ProcessStatus.peakMemoryBytes(in: text) == 30212 * 1024)
    #expect(ProcessStatus.peakMemoryBytes(in: "VmHWM:\n") == nil)
    #expect(ProcessStatus.peakMemoryBytes(in: "VmHWM: 3 MB\n") == nil)
  }

  @Test("processors are ranges and single numbers")
  func processors() {
    #expect(ProcessStatus.processors(in: "0-3,7") == [0, 1, 2, 3, 7])
    #expect(ProcessStatus.processors(in: "5") == [5])
    #expect(ProcessStatus.processors(in: "") == [])
    #expect(ProcessStatus.processors(in: "3-1") == [])
    #expect(!ProcessStatus.allowedProcessors().isEmpty)
  }

  @Test("iscsi-perf's last average counts, and the time of what the shell started")
  func perf() throws {
    let report = try PerfReport(parsing: Fixture.text("iscsi-perf.txt"))
    #expect(report.operationsPerSecond == 23297)
    #expect(abs(report.processorSeconds - 0.515) < 1e-9)
  }

  @Test("times is read to the minute; anything else is none")
  func times() {
    #expect(PerfReport.seconds(inTimes: "1m2.500s 0m0.250s") == 62.75)
    for line in ["", "finished.", "0m1s", "0m1 0m2s", "1 2"] {
      #expect(PerfReport.seconds(inTimes: line) == nil)
    }
    #expect(throws: ReportError.noFigure("iscsi-perf")) {
      try PerfReport(parsing: "Login Failed.\n0m0.1s 0m0.1s\n")
    }
  }

  @Test("the processor's model is what stands behind the colon")
  func model() {
    let text = "processor\t: 0\nmodel name\t: AMD EPYC 9R14: x\nflags\t: fpu\n"
    #expect(MachineFacts.processorModel(in: text) == "AMD EPYC 9R14: x")
    #expect(MachineFacts.processorModel(in: "processor : 0\n") == nil)
  }
}
