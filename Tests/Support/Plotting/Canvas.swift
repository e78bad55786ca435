/// A drawing as SVG: shapes with classes, whose colours follow the reader's light or dark.
package struct Canvas {
  package enum Anchor: String {
    case start
    case middle
    case end
  }

  /// What a shape is; the style sheet has its colour.
  package enum Role: String {
    /// Text that is read first.
    case ink
    /// Text and marks around it.
    case soft
    case grid
    /// The subject's figures.
    case first
    /// Its rival's.
    case second
    /// The subject's where a goal is missed.
    case missed
    case goal
  }

  /// Height of letters of labels.
  package static let letterHeight = 12.0

  package let width: Double
  private var elements: [String] = []

  package init(width: Double) {
    self.width = width
  }

  /// How wide a label will be, on the safe side: the font is the reader's.
  package static func width(of text: String) -> Double { Double(text.count) * 7 }

  package mutating func bar(_ x: Double, _ y: Double, width: Double, height: Double, _ role: Role) {
    elements.append(
      "<rect class=\"\(role)\" x=\"\(number(x))\" y=\"\(number(y))\" "
        + "width=\"\(number(max(width, 1)))\" height=\"\(number(height))\" rx=\"2\"/>")
  }

  package mutating func line(
    _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ role: Role, width: Double = 1
  ) {
    elements.append(
      "<line class=\"\(role)-line\" x1=\"\(number(x1))\" y1=\"\(number(y1))\" "
        + "x2=\"\(number(x2))\" y2=\"\(number(y2))\" stroke-width=\"\(number(width))\"/>")
  }

  package mutating func dot(_ x: Double, _ y: Double, radius: Double, _ role: Role) {
    elements.append(
      "<circle class=\"\(role)\" cx=\"\(number(x))\" cy=\"\(number(y))\" "
        + "r=\"\(number(radius))\"/>")
  }

  package mutating func text(
    _ text: String, _ x: Double, _ y: Double, _ role: Role = .ink, anchor: Anchor = .start,
    isTitle: Bool = false
  ) {
    elements.append(
      "<text class=\"\(role)\(isTitle ? " title" : "")\" x=\"\(number(x))\" y=\"\(number(y))\" "
        + "text-anchor=\"\(anchor)\">\(Canvas.escaped(text))</text>")
  }

  /// The finished drawing; `title` is what a reader who cannot see it is told.
  package func svg(height: Double, title: String) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(width)) \(number(height))" \
    width="\(number(width))" height="\(number(height))" role="img">
    <title>\(Canvas.escaped(title))</title>
    <style>
    \(Canvas.styleSheet)
    </style>
    <rect class="surface" x="0.5" y="0.5" width="\(number(width - 1))" \
    height="\(number(height - 1))" rx="6"/>
    \(elements.joined(separator: "\n"))
    </svg>

    """
  }

  package static func escaped(_ text: String) -> String {
    text.reduce(into: "") { result, character in
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
  }

  /// Tenths, without a point where there is nothing behind it.
  private func number(_ value: Double) -> String {
    let text = Figure.fixed(value, 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// The surface is drawn too: a page may be dark where the system is light.
  private static let styleSheet = """
    text { font: 12px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
    .title { font-size: 15px; font-weight: 600; }
    .surface { fill: #ffffff; stroke: #d1d9e0; }
    .ink { fill: #1f2328; }
    .soft { fill: #59636e; }
    .soft-line { stroke: #59636e; }
    .grid-line { stroke: #e4e8ec; }
    .first { fill: #0a7ea4; }
    .first-line { stroke: #0a7ea4; }
    .second { fill: #a3acb5; }
    .second-line { stroke: #a3acb5; }
    .missed { fill: #c4621b; }
    .goal { fill: #1f2328; }
    .goal-line { stroke: #1f2328; }
    @media (prefers-color-scheme: dark) {
      .surface { fill: #12171e; stroke: #333b45; }
      .ink { fill: #e6edf3; }
      .soft { fill: #9aa5b1; }
      .soft-line { stroke: #9aa5b1; }
      .grid-line { stroke: #262d36; }
      .first { fill: #3fb3d9; }
      .first-line { stroke: #3fb3d9; }
      .second { fill: #66707b; }
      .second-line { stroke: #66707b; }
      .missed { fill: #e58b45; }
      .goal { fill: #e6edf3; }
      .goal-line { stroke: #e6edf3; }
    }
    """
}
