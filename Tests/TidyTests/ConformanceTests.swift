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

  @Test("a row that passes names its code, and a test with its number that expects something")
  func claims() throws {
    let files = Dictionary(
      uniqueKeysWithValues: SourceFile.all.filter(\.isTest).map { ($0.path, $0) })
    let tests = files.mapValues(\.tests)
    for row in try ConformanceTable().rows where row.passes {
      let place = "\(ConformanceTable.path):\(row.line): \(row.id)"
      for path in row.code
      where !FileManager.default.fileExists(atPath: "\(SourceFile.root)/\(path)") {
        Issue.record("\(place): no file \(path)")
      }
      if row.code.isEmpty { Issue.record("\(place) names no code") }
      if row.tests.isEmpty { Issue.record("\(place) names no test") }
      for path in row.tests {
        let named = tests[path, default: []].filter { $0.titleWords.contains(row.id) }
        if named.isEmpty {
          Issue.record("\(place): no test in \(path) has \(row.id) in its title")
        } else if !named.contains(where: { $0.expects && !$0.isDisabled }) {
          Issue.record("\(place): what \(path) has of \(row.id) is disabled, or expects nothing")
        }
      }
      for path in row.code where !row.tests.contains(where: { files[$0]?.reaches(path) == true }) {
        Issue.record("\(place): none of its tests can reach \(path)")
      }
    }
  }

  @Test("a test that is disabled, or whose expectation is a comment, proves nothing")
  func weakTests() {
    let holds = TestFunction(
      attribute: ["@Test(\"L99, X1: it holds\")"],
      body: ["func holds() throws {", "  let x = try y()", "  #expect(x)", "}"])
    #expect(holds.titleWords == ["L99", "X1", "it", "holds"])
    #expect(holds.expects && !holds.isDisabled)
    let helped = TestFunction(
      attribute: ["@Test(\"L99\", .disabled(\"not yet\"))"],
      body: ["func helped() throws {", "  try expectGood(y())", "}"])
    #expect(helped.expects && helped.isDisabled)
    let empty = TestFunction(
      attribute: ["@Test(\"L99\")"],
      body: ["func expectsNothing() {", "  // #expect(y())", "  _ = y()", "}"])
    #expect(!empty.expects && !empty.isDisabled)
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

/// One `@Test` of a file, as far as its text tells.
private struct TestFunction {
  /// Of its title, punctuation taken off.
  var titleWords: [String]
  var isDisabled: Bool
  /// Its body has an expectation of its own, or calls a helper that is named for one.
  var expects: Bool

  /// - Parameters:
  ///   - attribute: the lines from `@Test` to the one before `func`.
  ///   - body: the function, its name's line the first.
  init(attribute: ArraySlice<String>, body: ArraySlice<String>) {
    let text = attribute.joined(separator: " ")
    let parts = text.split(separator: "\"", omittingEmptySubsequences: false)
    titleWords =
      parts.count > 1
      ? parts[1].split { " ,:;".contains($0) }.map(String.init) : []
    isDisabled = text.contains(".disabled") || text.contains(".enabled(if: false")
    let signs = ["#expect(", "#require(", "#expect {", "Issue.record("]
    expects = body.dropFirst().contains { line in
      guard !line.drop(while: \.isWhitespace).hasPrefix("//") else { return false }
      return signs.contains { line.contains($0) } || line.contains(/(^|[ .])expect[A-Z]?\w*\(/)
    }
  }
}

extension SourceFile {
  /// Every test whose function is on lines of its own.
  fileprivate var tests: [TestFunction] {
    lines.indices.filter { lines[$0].contains("@Test") }.compactMap { index in
      guard let name = lines[index...].firstIndex(where: { $0.contains("func ") }) else {
        return nil
      }
      let indent = String(lines[name].prefix { $0 == " " })
      guard let end = lines[name...].firstIndex(where: { $0 == indent + "}" }) else { return nil }
      return TestFunction(attribute: lines[index...name], body: lines[name...end])
    }
  }

  /// Whether a test in this file can run the code of another one: it sees its module, or the whole
  /// program runs.
  fileprivate func reaches(_ path: String) -> Bool {
    let module = path.split(separator: "/").dropFirst().first.map(String.init)
    return self.module == "EndToEndTests" || imports.contains { $0.module == module }
  }
}
