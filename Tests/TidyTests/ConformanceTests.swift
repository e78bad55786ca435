import FoundationEssentials
import Testing

/// Docs/Conformance.md claims nothing that no test holds.
@Suite("Conformance table")
struct ConformanceTests {
  @Test("every row stands once, and says pass or why not")
  func rows() throws {
    var seen: Set<String> = []
    for row in try ConformanceTable().rows {
      let place = "\(ConformanceTable.path):\(row.line): \(row.id)"
      if !seen.insert(row.id).inserted { Issue.record("\(place) stands twice") }
      let reason = row.state.hasPrefix("not: ") && row.state.count > 5
      if !row.passes && !reason { Issue.record("\(place): neither `pass` nor `not: reason`") }
    }
    #expect(seen.count >= 254, "rows are added, not taken away")
  }

  @Test("a row that passes names its code, and a test whose title carries its number")
  func claims() throws {
    let titles = Dictionary(grouping: SourceFile.all.filter(\.isTest), by: \.path)
      .mapValues { $0.flatMap(\.testTitleWords) }
    for row in try ConformanceTable().rows where row.passes {
      let place = "\(ConformanceTable.path):\(row.line): \(row.id)"
      for path in row.code
      where !FileManager.default.fileExists(atPath: "\(SourceFile.root)/\(path)") {
        Issue.record("\(place): no file \(path)")
      }
      if row.code.isEmpty { Issue.record("\(place) names no code") }
      if row.tests.isEmpty { Issue.record("\(place) names no test") }
      for path in row.tests where titles[path]?.contains(row.id) != true {
        Issue.record("\(place): no test in \(path) has \(row.id) in its title")
      }
    }
  }

  @Test("the counts at its top are those of its rows")
  func counts() throws {
    let table = try ConformanceTable()
    var expected = Dictionary(
      uniqueKeysWithValues: table.sections.map { section in
        (section.title, (section.rows.count, section.rows.count(where: \.passes)))
      })
    expected["all"] = (table.rows.count, table.rows.count(where: \.passes))
    for (title, (rows, passing)) in expected {
      let stated = table.counts[title]
      #expect(
        stated?.rows == rows && stated?.passing == passing,
        "\(ConformanceTable.path): \(title) has \(rows) rows, \(passing) passing")
    }
  }
}

extension SourceFile {
  /// The words of every `@Test` title, punctuation taken off.
  fileprivate var testTitleWords: [String] {
    var words: [String] = []
    for index in lines.indices where lines[index].contains("@Test(") {
      // A title stands behind the parenthesis, or on the next line.
      let text = lines[index...].prefix(2).joined(separator: " ")
      let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
      guard parts.count > 1 else { continue }
      words += parts[1].split { $0 == " " || $0 == "," || $0 == ":" || $0 == ";" }.map(String.init)
    }
    return words
  }
}
