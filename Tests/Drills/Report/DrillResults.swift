import FoundationEssentials
import Glibc

/// Results by name, the last of each, in a file.
struct DrillResults: Codable, Sendable {
  private(set) var results: [String: DrillResult] = [:]

  init() {}

  init?(path: String) {
    guard let data = try? Data(contentsOf: URL(filePath: path)),
      let kept = try? JSONDecoder().decode(DrillResults.self, from: data)
    else { return nil }
    self = kept
  }

  subscript(name: String) -> DrillResult? { results[name] }

  mutating func keep(_ result: DrillResult) { results[result.name] = result }

  /// Those of a run, in the order of `names`.
  func ordered(_ names: [String]) -> [DrillResult] { names.compactMap { results[$0] } }

  func write(to path: String) throws {
    let url = URL(filePath: path)
    try FileManager.default.createDirectory(
      atPath: url.deletingLastPathComponent().path, withIntermediateDirectories: true)
    try JSONEncoder().encode(self).write(to: url, options: .atomic)
  }
}
