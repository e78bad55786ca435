import Plotting

/// From the median to the 99th percentile, a line each, one above the other.
struct LatencyPlot {
  private static let rowHeight = 30.0
  private let outcomes: [Outcome]
  private let note: String

  init(_ outcomes: [Outcome], note: String) {
    self.outcomes = outcomes.filter { $0.subject?.p99Latency != nil && $0.rival?.p99Latency != nil }
    self.note = note
  }

  var svg: String {
    let frame = PlotFrame(names: outcomes.map(\.workload), labelWidth: 20)
    let scale = LogarithmicScale(
      holding: outcomes.flatMap { outcome in
        [outcome.subject, outcome.rival].flatMap {
          [$0?.medianLatency?.median, $0?.p99Latency?.median].compactMap(\.self)
        }
      }, base: 10, from: frame.start, length: frame.length)
    let bottom = frame.top + Double(outcomes.count) * Self.rowHeight
    var canvas = Canvas(width: PlotFrame.width)
    frame.head(&canvas, title: "Latency, microseconds: median to 99th percentile", note: note)
    frame.legend(&canvas, [(.first, "iscsifs"), (.second, "qemu-storage-daemon")])
    frame.grid(
      &canvas, scale.ticks.map { (scale.position($0), Figure.grouped($0)) }, bottom: bottom)
    for (index, outcome) in outcomes.enumerated() {
      let y = frame.top + Double(index) * Self.rowHeight
      frame.name(&canvas, outcome.workload, y: y + Self.rowHeight / 2 + 4)
      draw(&canvas, scale, outcome.subject, .first, y: y + Self.rowHeight / 2 - 5)
      draw(&canvas, scale, outcome.rival, .second, y: y + Self.rowHeight / 2 + 5)
    }
    return canvas.svg(
      height: bottom + 34, title: "Latency of iscsifs and of qemu-storage-daemon")
  }

  private func draw(
    _ canvas: inout Canvas, _ scale: LogarithmicScale, _ result: ContestantResult?,
    _ role: Canvas.Role, y: Double
  ) {
    guard let median = result?.medianLatency?.median, let high = result?.p99Latency?.median else {
      return
    }
    canvas.line(scale.position(median), y, scale.position(high), y, role, width: 3)
    canvas.dot(scale.position(median), y, radius: 4, role)
    canvas.line(scale.position(high), y - 4, scale.position(high), y + 4, role, width: 3)
  }
}
