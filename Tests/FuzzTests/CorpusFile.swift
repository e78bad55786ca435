import FoundationEssentials
import FuzzTargets
import Testing

/// An input the fuzzer starts from, or a finding of it.
struct CorpusFile: Sendable, CustomTestStringConvertible {
  /// "framer/login-response".
  let path: String

  var testDescription: String { path }

  var targetName: String { path.split(separator: "/").first.map(String.init) ?? "" }

  func bytes() throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: "\(Self.directory)/\(path)")))
  }

  static let directory =
    URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    + "/Fuzz/Corpus"

  static let all: [CorpusFile] = {
    let below = (try? FileManager.default.subpathsOfDirectory(atPath: directory)) ?? []
    return below.filter { $0.contains("/") }.sorted().map(CorpusFile.init)
  }()
}
