/// What the plots have in common: a title, a note, names at the left, room at the right.
package struct PlotFrame {
  package static let width = 860.0
  package static let margin = 20.0

  /// Where the axis begins and how long it is.
  package let start: Double
  package let length: Double
  /// Where the rows begin.
  package let top = 84.0

  /// - Parameter labelWidth: what stands right of the longest bar.
  package init(names: [String], labelWidth: Double) {
    let longest = names.map(Canvas.width(of:)).max() ?? 0
    start = PlotFrame.margin + longest + 12
    length = PlotFrame.width - PlotFrame.margin - labelWidth - start
  }

  package func head(_ canvas: inout Canvas, title: String, note: String) {
    canvas.text(title, PlotFrame.margin, 30, isTitle: true)
    canvas.text(note, PlotFrame.margin, 48, .soft)
  }

  /// A row of samples of what is drawn, with their meaning.
  package func legend(_ canvas: inout Canvas, _ entries: [(role: Canvas.Role, text: String)]) {
    var x = PlotFrame.margin
    for entry in entries {
      switch entry.role {
      case .goal: canvas.line(x + 5, 58, x + 5, 70, .goal, width: 2)
      case .soft: canvas.line(x, 64, x + 10, 64, .soft, width: 2)
      default: canvas.bar(x, 59, width: 10, height: 10, entry.role)
      }
      canvas.text(entry.text, x + 16, 68, .soft)
      x += 16 + Canvas.width(of: entry.text) + 18
    }
  }

  package func name(_ canvas: inout Canvas, _ text: String, y: Double) {
    canvas.text(text, start - 10, y, anchor: .end)
  }

  /// Vertical lines with their values below.
  package func grid(
    _ canvas: inout Canvas, _ ticks: [(position: Double, label: String)], bottom: Double
  ) {
    for tick in ticks {
      canvas.line(tick.position, top - 4, tick.position, bottom, .grid)
      canvas.text(tick.label, tick.position, bottom + 16, .soft, anchor: .middle)
    }
  }
}
