import Plotting
import Testing

@testable import benchmark

@Suite("Plots")
struct PlotTests {
  private static let outcomes: [Outcome] = [
    .sample(), .sample("randread-64k-qd32", goals: [.speed(1.4)], blockBytes: 64 << 10),
    .sample("dd-4k", goals: [], blockBytes: nil),
  ]

  private static let drawings = [
    SpeedPlot(outcomes, note: "a <machine> & \"more\"").svg,
    ProcessorTimePlot(outcomes, note: "note").svg, LatencyPlot(outcomes, note: "note").svg,
  ]

  @Test("every element that is opened is closed, in order", arguments: drawings)
  func balanced(svg: String) throws {
    var open: [Substring] = []
    for part in svg.split(separator: "<").dropFirst(svg.hasPrefix("<") ? 0 : 1) {
      let tag = try #require(part.split(separator: ">", omittingEmptySubsequences: false).first)
      if tag.hasPrefix("/") {
        #expect(open.popLast() == tag.dropFirst())
      } else if !tag.hasSuffix("/") {
        open.append(tag.prefix { $0 != " " && $0 != "\n" })
      }
    }
    #expect(open.isEmpty)
    #expect(svg.hasPrefix("<svg xmlns=\"http://www.w3.org/2000/svg\""))
  }

  @Test("colours follow the reader's light or dark", arguments: drawings)
  func dark(svg: String) {
    #expect(svg.contains("@media (prefers-color-scheme: dark)"))
  }

  @Test("no shape leaves the drawing", arguments: drawings)
  func inside(svg: String) {
    for part in svg.split(separator: " ") where part.hasPrefix("x=\"") || part.hasPrefix("cx=\"") {
      let number = part.split(separator: "\"").dropFirst().first.flatMap { Double($0) }
      #expect(number.map { (0...PlotFrame.width).contains($0) } == true, "\(part)")
    }
  }

  @Test("text that would be an element is escaped")
  func escaped() {
    #expect(Self.drawings[0].contains("a &lt;machine&gt; &amp; &quot;more&quot;"))
  }

  @Test("what misses its goal has another colour than what meets it")
  func goals() {
    let missed = Self.drawings[0].split(separator: "class=\"missed\"")
    #expect(missed.count == 3, "the legend and one bar of three")
    let met = SpeedPlot([.sample(goals: [.speed(1.5)])], note: "").svg
    #expect(met.split(separator: "class=\"missed\"").count == 2, "only in the legend")
  }

  @Test("a logarithmic axis ends at powers and puts twice as much equally far")
  func scale() {
    let scale = LogarithmicScale(holding: [0.7, 5, 1], base: 2, from: 100, length: 400)
    #expect(scale.ticks == [0.5, 1, 2, 4, 8])
    #expect(scale.position(0.5) == 100)
    #expect(abs(scale.position(2) - 300) < 1e-9)
    #expect(abs(scale.position(8) - 500) < 1e-9)
    #expect(LogarithmicScale(holding: [], base: 2, from: 0, length: 1).ticks == [1, 2])
  }
}
