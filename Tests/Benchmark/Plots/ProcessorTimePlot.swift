import Plotting

/// The CPU time of one I/O, both bars beside each other, sizes that differ much in panels.
struct ProcessorTimePlot {
  private static let rowHeight = 34.0
  private static let panelGap = 30.0
  private let panels: [(title: String, outcomes: [Outcome])]
  private let note: String

  init(_ outcomes: [Outcome], note: String) {
    self.note = note
    let sizes = Set(outcomes.compactMap(\.blockBytes)).sorted()
    panels =
      sizes.map { size in
        (Self.title(of: size), outcomes.filter { $0.blockBytes == size })
      }
      + [("One MiB through the page cache", outcomes.filter { $0.blockBytes == nil })]
      .filter { !$0.1.isEmpty }
  }

  var svg: String {
    let frame = PlotFrame(
      names: panels.flatMap { $0.outcomes.map(\.workload) }, labelWidth: 70)
    var canvas = Canvas(width: PlotFrame.width)
    frame.head(&canvas, title: "CPU time of the initiator, microseconds", note: note)
    frame.legend(
      &canvas,
      [
        (.first, "iscsifs"), (.missed, "iscsifs, goal missed"), (.second, "qemu-storage-daemon"),
        (.goal, "goal"),
      ])
    var y = frame.top
    for panel in panels {
      canvas.text(panel.title, PlotFrame.margin, y + 14, .soft)
      y += 22
      let longest = panel.outcomes.flatMap { times($0) }.max() ?? 1
      for outcome in panel.outcomes {
        row(&canvas, frame, outcome, perMicrosecond: frame.length / longest, y: y)
        y += Self.rowHeight
      }
      y += Self.panelGap - 22
    }
    return canvas.svg(
      height: y + 12, title: "CPU time of one I/O of iscsifs and of qemu-storage-daemon")
  }

  private func row(
    _ canvas: inout Canvas, _ frame: PlotFrame, _ outcome: Outcome, perMicrosecond: Double,
    y: Double
  ) {
    let height = (Self.rowHeight - 8) / 2
    frame.name(&canvas, outcome.workload, y: y + height + 4)
    let goal = goal(of: outcome)
    if let time = outcome.subject?.processorMicroseconds?.median {
      let end = frame.start + time * perMicrosecond
      let mark = goal.map { frame.start + $0 * perMicrosecond }
      canvas.bar(
        frame.start, y, width: end - frame.start, height: height - 1,
        goal.map { time > $0 } == true ? .missed : .first)
      // Right of the goal's mark where that would stand in the figure.
      let isInTheWay = mark.map { $0 > end - 4 && $0 < end + 44 } == true
      canvas.text(
        Figure.short(time), (isInTheWay ? max(mark ?? end, end) : end) + 6, y + height - 3)
      if let mark { canvas.line(mark, y - 1, mark, y + height, .goal, width: 2) }
    }
    if let time = outcome.rival?.processorMicroseconds?.median {
      let top = y + height
      canvas.bar(
        frame.start, top, width: time * perMicrosecond, height: height - 1, .second)
      canvas.text(
        Figure.short(time), frame.start + time * perMicrosecond + 6, top + height - 3, .soft)
    }
  }

  /// The strictest goal, in microseconds of this run.
  private func goal(of outcome: Outcome) -> Double? {
    guard let rival = outcome.rival?.processorMicroseconds?.median else { return nil }
    let bounds = outcome.goals.filter { $0.quantity == .processorTime }.map(\.bound)
    return bounds.min().map { $0 * rival }
  }

  private func times(_ outcome: Outcome) -> [Double] {
    [outcome.subject, outcome.rival].compactMap { $0?.processorMicroseconds?.median }
  }

  /// "One I/O of 64 KiB".
  private static func title(of bytes: Int) -> String {
    bytes >= 1 << 20 ? "One I/O of \(bytes >> 20) MiB" : "One I/O of \(bytes >> 10) KiB"
  }
}
