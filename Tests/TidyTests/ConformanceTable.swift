import FoundationEssentials

/// The rows of Docs/Conformance.md: what is claimed of each rule, and by which test.
struct ConformanceTable {
  struct Row {
    var line: Int
    var id: String
    /// Files below the root, from the cell of the code and the cell of the test.
    var code: [String]
    var tests: [String]
    var state: String

    var passes: Bool { state == "pass" }
  }

  struct Section {
    var title: String
    var rows: [Row] = []
  }

  static let path = "Docs/Conformance.md"

  private(set) var sections: [Section] = []
  /// Title, rows and passing rows, as the table at the top counts them.
  private(set) var counts: [String: (rows: Int, passing: Int)] = [:]

  var rows: [Row] { sections.flatMap(\.rows) }

  init() throws {
    let url = URL(filePath: "\(SourceFile.root)/\(Self.path)")
    let lines = try String(contentsOf: url, encoding: .utf8)
      .split(separator: "\n", omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      if line.hasPrefix("## ") { sections.append(Section(title: String(line.dropFirst(3)))) }
      guard line.hasPrefix("|") else { continue }
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .dropFirst().dropLast().map { $0.trimming(while: \.isWhitespace) }
      if cells.count == 3, let rows = Int(cells[1]), let passing = Int(cells[2]) {
        counts[cells[0]] = (rows, passing)
      } else if cells.count == 6, Self.isIdentifier(cells[0]), !sections.isEmpty {
        sections[sections.count - 1].rows.append(
          Row(
            line: index + 1, id: cells[0], code: Self.quoted(cells[3]),
            tests: Self.quoted(cells[4]), state: cells[5]))
      }
    }
  }

  /// "L01", "F16.2.4".
  private static func isIdentifier(_ cell: String) -> Bool {
    guard let first = cell.first, first.isUppercase, cell.count > 1 else { return false }
    return cell.dropFirst().allSatisfy { $0.isNumber || $0 == "." }
  }

  /// What stands between backticks.
  private static func quoted(_ cell: String) -> [String] {
    let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
    return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }
}

extension Substring {
  fileprivate func trimming(while predicate: (Character) -> Bool) -> String {
    var rest = drop(while: predicate)
    while let last = rest.last, predicate(last) { rest.removeLast() }
    return String(rest)
  }
}
