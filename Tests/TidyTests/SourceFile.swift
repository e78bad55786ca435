import FoundationEssentials
import Testing

/// A Swift file of this repository, read for its habits.
struct SourceFile: Sendable, CustomTestStringConvertible {
  /// From the repository's root, "Sources/Wire/CRC32C.swift".
  let path: String
  let lines: [String]

  var testDescription: String { path }
  var isTest: Bool { path.hasPrefix("Tests/") }

  /// "Wire" of "Sources/Wire/CRC32C.swift".
  var module: String { path.split(separator: "/").dropFirst().first.map(String.init) ?? "" }

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// Every Swift file below Sources and Tests, and the manifest.
  static let all: [SourceFile] = {
    var paths = ["Package.swift"]
    for top in ["Sources", "Tests"] {
      let below = (try? FileManager.default.subpathsOfDirectory(atPath: "\(root)/\(top)")) ?? []
      paths += below.filter { $0.hasSuffix(".swift") }.sorted().map { "\(top)/\($0)" }
    }
    return paths.map(SourceFile.init)
  }()

  private init(path: String) {
    self.path = path
    let text = try? String(contentsOf: URL(filePath: "\(Self.root)/\(path)"), encoding: .utf8)
    lines = (text ?? "").split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Number and text of the lines that are code: comments gone, what is in string literals too.
  var code: [(number: Int, text: String)] {
    lines.enumerated().compactMap { index, line in
      let bare = SourceFile.withoutLiterals(line)
      let code = bare.firstRange(of: "//").map { String(bare[..<$0.lowerBound]) } ?? bare
      return code.allSatisfy(\.isWhitespace) ? nil : (index + 1, code)
    }
  }

  /// The names of `import` lines, with their line numbers.
  var imports: [(number: Int, module: String)] {
    code.compactMap { number, text in
      let words = text.split(separator: " ")
      guard let index = words.firstIndex(of: "import"), words.count > index + 1,
        words[..<index].allSatisfy({ importPrefixes.contains(String($0)) })
      else { return nil }
      let kinds = ["struct", "class", "enum", "func", "protocol", "typealias", "var", "let"]
      let next = String(words[index + 1])
      let name = kinds.contains(next) && words.count > index + 2 ? String(words[index + 2]) : next
      return (number, String(name.split(separator: ".").first ?? ""))
    }
  }

  private var importPrefixes: Set<String> {
    [
      "package", "public", "private", "internal", "fileprivate", "@testable", "@preconcurrency",
      "@_exported",
    ]
  }

  /// First line and length of every function and initializer whose body is on lines of its own.
  ///
  /// A body ends at the first `}` as deep as its beginning, which is where swift-format puts it.
  var functions: [(number: Int, length: Int)] {
    lines.indices.compactMap { index in
      let words = lines[index].split(separator: " ")
      let isFunction = words.contains("func") || words.contains { $0.hasPrefix("init(") }
      guard isFunction, !lines[index].contains("//"), !lines[index].hasSuffix("}") else {
        return nil
      }
      let indent = String(lines[index].prefix { $0 == " " })
      guard let end = lines[(index + 1)...].firstIndex(where: { $0 == indent + "}" }) else {
        return nil
      }
      return (index + 1, end - index + 1)
    }
  }

  private static func withoutLiterals(_ line: String) -> String {
    var isInside = false
    var previous: Character = " "
    return String(
      line.filter { character in
        defer { previous = previous == "\\" && character == "\\" ? " " : character }
        if character == "\"", previous != "\\" {
          isInside.toggle()
          return false
        }
        return !isInside
      })
  }
}
