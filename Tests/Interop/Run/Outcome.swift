/// What became of one capability.
enum Outcome: Equatable, Sendable {
  /// It works; what was agreed, where that is worth a word.
  case passed(String)
  /// It cannot be had from this target or this iscsifs, and why.
  case impossible(String)
  case failed(String)

  /// How a cell of the table says it.
  var cell: String {
    switch self {
    case .passed(let detail): detail.isEmpty ? "pass" : "pass: \(detail)"
    case .impossible(let reason): "not: \(reason)"
    case .failed(let sentence): "**failed**: \(sentence)"
    }
  }

  var isFailure: Bool {
    if case .failed = self { true } else { false }
  }
}

/// Why a step did not come to what it should, in a sentence.
struct InteropFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }
}
