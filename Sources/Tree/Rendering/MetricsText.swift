/// Samples in the text format of Prometheus, each family's together under its HELP and TYPE.
///
/// Source: Prometheus, "Exposition formats", text format 0.0.4.
struct MetricsText: Sendable {
  enum Kind: String, Sendable {
    case gauge
    /// Only grows, but for a new start; its name ends in `_total`.
    case counter
  }

  private(set) var text = ""

  /// Adds a family; without samples it is left out.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String,
    _ samples: [(labels: [(name: String, value: String)], value: String)]
  ) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    for sample in samples {
      let labels = sample.labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
      text += name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}")
      text += " \(sample.value)\n"
    }
  }

  /// A label's value: backslash, quote and newline are written with a backslash.
  private static func escaped(_ value: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\", "\"": result.append(contentsOf: ["\\", scalar])
      case "\n": result.append(contentsOf: ["\\", "n"])
      default: result.append(scalar)
      }
    }
    return String(result)
  }
}
