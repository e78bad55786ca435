import Plotting
import Testing

@testable import benchmark

@Suite("Reports")
struct ReportTests {
  @Test(
    "numbers as people read them",
    arguments: [
      (0.0, "0.00"), (1.784, "1.78"), (9.996, "10.0"), (19.33, "19.3"), (99.96, "100"),
      (585.4, "585"), (1747.2, "1,747"), (76123.4, "76,123"), (-4.5, "-4.50"),
    ])
  func short(value: Double, text: String) {
    #expect(Figure.short(value) == text)
  }

  @Test("a figure that is none is a dash, and zeros keep their places")
  func figures() {
    #expect(Figure.short(.nan) == "-")
    #expect(Figure.grouped(.infinity) == "-")
    #expect(Figure.fixed(2.05, 2) == "2.05")
    #expect(Figure.fixed(-0.001, 2) == "0.00")
    #expect(Figure.grouped(1_000_000) == "1,000,000")
  }

  @Test("columns are as wide as what stands in them, numbers stand right")
  func plainTable() {
    var table = TextTable([.init(title: "who"), .init(title: "rate", isNumber: true)])
    table.add(["iscsifs", "76,123"])
    table.add(["peer", "1"])
    table.note("met")
    #expect(
      table.plain == """
        who        rate
        iscsifs  76,123
        peer          1
          met
        """)
  }

  @Test("a table in a document has a rule, and no cell ends it")
  func markdownTable() {
    var table = TextTable([.init(title: "who"), .init(title: "rate", isNumber: true)])
    table.add(["a|b", "1"])
    #expect(
      table.markdown == """
        | who | rate |
        |---|--:|
        | a\\|b | 1 |
        """)
  }

  @Test("the terminal shows both, the ratios and every goal with its word")
  func terminal() {
    #expect(
      TerminalReport.table([.sample()]) == """
        workload          by                          rate  MB/s  CPU µs  target µs  p50 µs  \
        p99 µs  speed   CPU
        randread-4k-qd32  iscsifs              60,000 IOPS   246    9.00       5.00     500  \
         1,500   2.00  0.50
                          qemu-storage-daemon  30,000 IOPS   123    18.0       5.00     500   1,500
          missed at least 2.50 times the speed of qemu-storage-daemon: 2.00
          met    at most 0.60 of the CPU time per I/O of qemu-storage-daemon: 0.50
        """)
  }

  @Test("the document has the table, the plots, and what was not measured")
  func markdown() {
    var results = Results(
      machine: MachineFacts(
        kernel: "6.18", processor: "EPYC", processorCount: 2, allowsRing: true,
        programs: ["fio-3.33"]))
    results.take(.sample())
    results.take(.sample("dd-1m-uncached", goals: [], rival: .iscsifs(["cache=read"])))
    results.skip("channel-randread-4k", "this kernel has no FUSE over io_uring")
    let text = MarkdownReport.text(results, plots: "Plots")
    #expect(text.contains("2 processors (EPYC), Linux 6.18, FUSE over io_uring on"))
    #expect(
      text.contains(
        "| `randread-4k-qd32` | 60,000 IOPS, 9.00 µs | 30,000 IOPS, 18.0 µs | 2.00 | 0.50 | "
          + "500, 1,500 | 500, 1,500 | **speed ≥ 2.50 missed**; CPU ≤ 0.60 met |"))
    #expect(text.contains("`iscsifs cache=read` 30,000 IOPS"))
    #expect(text.contains("](Plots/speed.svg)"))
    #expect(text.contains("- `channel-randread-4k`: this kernel has no FUSE over io_uring."))
  }

  @Test("the document's other parts stay as they are; without the two lines nothing is written")
  func record() {
    let document = "above\n\(Record.beginning)\nold\n\(Record.end)\nbelow\n"
    let new = Record.replacing("new", in: document)
    #expect(new == "above\n\(Record.beginning)\n\nnew\n\n\(Record.end)\nbelow\n")
    #expect(new.flatMap { Record.replacing("new", in: $0) } == new)
    #expect(Record.replacing("new", in: "above\nbelow\n") == nil)
    #expect(Record.replacing("new", in: "\(Record.end)\n\(Record.beginning)\n") == nil)
  }
}
