import FoundationEssentials

/// The table of modules in Docs/Architecture.md: the law of imports is the one people read.
struct ModuleTable {
  struct Row {
    var module: String
    var mayImport: Set<String>
    var tests: Set<String>
  }

  let rows: [Row]

  init() throws {
    let url = URL(filePath: SourceFile.root + "/Docs/Architecture.md")
    let text = try String(contentsOf: url, encoding: .utf8)
    rows = text.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      guard cells.count == 6, let module = ModuleTable.names(in: cells[1]).first else { return nil }
      return Row(
        module: module, mayImport: Set(ModuleTable.names(in: cells[3])),
        tests: Set(ModuleTable.names(in: cells[4])))
    }
  }

  subscript(module: String) -> Row? { rows.first { $0.module == module } }

  /// What stands between backticks.
  private static func names(in cell: Substring) -> [String] {
    let parts = cell.split(separator: "`", omittingEmptySubsequences: false)
    return parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
  }
}
