import FoundationEssentials

/// What programs really printed, kept beside the tests.
enum Fixture {
  static func text(_ name: String) throws -> String {
    let directory = URL(filePath: #filePath).deletingLastPathComponent().path
    return try String(
      contentsOf: URL(filePath: "\(directory)/Fixtures/\(name)"), encoding: .utf8)
  }
}
