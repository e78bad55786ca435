/// Columns of text, as wide as what stands in them.
struct TextTable {
  struct Column {
    let title: String
    /// Numbers stand right.
    var isNumber = false
  }

  let columns: [Column]
  private var rows: [Row] = []

  private enum Row {
    case cells([String])
    case note(String)
  }

  init(_ columns: [Column]) {
    self.columns = columns
  }

  /// One cell a column; what is left out at the end is empty.
  mutating func add(_ cells: [String]) {
    precondition(cells.count <= columns.count, "more cells than columns")
    let empty = Array(repeating: "", count: columns.count - cells.count)
    rows.append(.cells(cells + empty))
  }

  /// A line of its own, whatever the columns.
  mutating func note(_ text: String) { rows.append(.note(text)) }

  /// For a terminal.
  var plain: String {
    let widths = columns.indices.map { index in
      rows.reduce(columns[index].title.count) { width, row in
        guard case .cells(let cells) = row else { return width }
        return max(width, cells[index].count)
      }
    }
    let line = { (cells: [String]) in
      let padded = cells.indices.map { index in
        let padding = String(repeating: " ", count: widths[index] - cells[index].count)
        return columns[index].isNumber ? padding + cells[index] : cells[index] + padding
      }
      return String(padded.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
    let lines = rows.map { row in
      switch row {
      case .cells(let cells): line(cells)
      case .note(let text): "  " + text
      }
    }
    return ([line(columns.map(\.title))] + lines).joined(separator: "\n")
  }

  /// For a document; notes are left to it.
  var markdown: String {
    let line = { (cells: [String]) in
      "| "
        + cells.map { $0.split(separator: "|").joined(separator: "\\|") }
        .joined(separator: " | ") + " |"
    }
    let rule = columns.map { $0.isNumber ? "--:" : "---" }.joined(separator: "|")
    let lines = rows.compactMap { row -> String? in
      guard case .cells(let cells) = row else { return nil }
      return line(cells)
    }
    return ([line(columns.map(\.title)), "|\(rule)|"] + lines).joined(separator: "\n")
  }
}
