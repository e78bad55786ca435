import Plotting

/// How long something took in each drill, beside how long it might: a row for each thing that was
/// waited for, the longest where a drill waited for it more than once.
struct WaitPlot {
  struct Row: Equatable {
    var name: String
    var wait: Verdict.Wait
  }

  /// What a reader who cannot see it is told.
  static let title = "How long callers waited in each drill, and the promised limit"
  private static let rowHeight = 20.0
  /// What is shorter is drawn as long as this, in seconds.
  private static let shortest = 0.001
  let rows: [Row]

  init(_ results: [DrillResult]) {
    var rows: [Row] = []
    for result in results {
      for figure in result.verdict.figures {
        guard let wait = figure.wait else { continue }
        let row = Row(name: "\(result.name): \(figure.subject)", wait: wait)
        guard let known = rows.firstIndex(where: { $0.name == row.name }) else {
          rows.append(row)
          continue
        }
        if rows[known].wait.seconds < wait.seconds { rows[known] = row }
      }
    }
    self.rows = rows
  }

  var svg: String {
    let frame = PlotFrame(names: rows.map(\.name), labelWidth: 64)
    let scale = LogarithmicScale(
      holding: rows.flatMap { [max($0.wait.seconds, Self.shortest), $0.wait.limit] }, base: 10,
      from: frame.start, length: frame.length)
    let bottom = frame.top + Double(rows.count) * Self.rowHeight
    var canvas = Canvas(width: PlotFrame.width)
    frame.head(
      &canvas, title: "How long it took, and might",
      note: "The number or name of a drill, and what was waited for in it; the longest time")
    frame.legend(
      &canvas, [(.first, "measured"), (.missed, "above the promise"), (.goal, "promised at most")])
    frame.grid(
      &canvas, scale.ticks.map { (scale.position($0), Duration.seconds($0).text) }, bottom: bottom)
    for (index, row) in rows.enumerated() {
      draw(&canvas, frame, scale, row, y: frame.top + Double(index) * Self.rowHeight)
    }
    return canvas.svg(height: bottom + 34, title: Self.title)
  }

  private func draw(
    _ canvas: inout Canvas, _ frame: PlotFrame, _ scale: LogarithmicScale, _ row: Row, y: Double
  ) {
    let end = scale.position(max(row.wait.seconds, Self.shortest))
    let mark = scale.position(row.wait.limit)
    frame.name(&canvas, row.name, y: y + Self.rowHeight / 2 + 4)
    canvas.bar(
      frame.start, y + 4, width: end - frame.start, height: Self.rowHeight - 8,
      row.wait.seconds > row.wait.limit ? .missed : .first)
    canvas.line(mark, y + 2, mark, y + Self.rowHeight - 2, .goal, width: 2)
    canvas.text(
      Duration.seconds(row.wait.seconds).text, PlotFrame.width - PlotFrame.margin,
      y + Self.rowHeight / 2 + 4, .soft, anchor: .end)
  }
}
