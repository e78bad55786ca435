import Plotting

/// Bars from "as fast as the peer" to what was measured, with the goal of each.
struct SpeedPlot {
  private static let rowHeight = 24.0
  private let outcomes: [Outcome]
  private let note: String

  init(_ outcomes: [Outcome], note: String) {
    self.outcomes = outcomes.filter { $0.speed != nil }
    self.note = note
  }

  var svg: String {
    let frame = PlotFrame(names: outcomes.map(\.workload), labelWidth: 56)
    let scale = LogarithmicScale(
      holding: outcomes.flatMap { outcome in
        [outcome.speed?.lowest, outcome.speed?.highest, goal(of: outcome), 1].compactMap(\.self)
      }, base: 2, from: frame.start, length: frame.length)
    let bottom = frame.top + Double(outcomes.count) * Self.rowHeight
    var canvas = Canvas(width: PlotFrame.width)
    frame.head(&canvas, title: "Speed in multiples of qemu-storage-daemon's", note: note)
    frame.legend(
      &canvas,
      [
        (.first, "goal met, or none"), (.missed, "goal missed"), (.goal, "goal"),
        (.soft, "lowest to highest round"),
      ])
    frame.grid(
      &canvas, scale.ticks.map { (scale.position($0), label($0)) }, bottom: bottom)
    for (index, outcome) in outcomes.enumerated() {
      row(&canvas, frame, scale, outcome, y: frame.top + Double(index) * Self.rowHeight)
    }
    canvas.line(scale.position(1), frame.top - 4, scale.position(1), bottom, .soft)
    return canvas.svg(
      height: bottom + 34, title: "Speed of iscsifs in multiples of qemu-storage-daemon's")
  }

  private func row(
    _ canvas: inout Canvas, _ frame: PlotFrame, _ scale: LogarithmicScale, _ outcome: Outcome,
    y: Double
  ) {
    guard let speed = outcome.speed else { return }
    let goal = goal(of: outcome)
    let isMissed = goal.map { speed.median < $0 } ?? false
    let one = scale.position(1)
    let end = scale.position(speed.median)
    let middle = y + Self.rowHeight / 2
    frame.name(&canvas, outcome.workload, y: middle + 4)
    canvas.bar(
      min(one, end), y + 5, width: abs(end - one), height: Self.rowHeight - 10,
      isMissed ? .missed : .first)
    canvas.line(
      scale.position(speed.lowest), middle, scale.position(speed.highest), middle, .soft, width: 2)
    if let goal {
      canvas.line(
        scale.position(goal), y + 2, scale.position(goal), y + Self.rowHeight - 2, .goal, width: 2)
    }
    canvas.text(
      Figure.fixed(speed.median, 2), PlotFrame.width - PlotFrame.margin, middle + 4, anchor: .end)
  }

  private func goal(of outcome: Outcome) -> Double? {
    outcome.goals.first { $0.quantity == .speed }?.bound
  }

  /// "0.5", "8".
  private func label(_ value: Double) -> String {
    value < 1 ? Figure.fixed(value, value < 0.5 ? 2 : 1) : Figure.fixed(value, 0)
  }
}
