/// The shared libraries `ldd` says a program needs.
///
/// Pure.
package struct SharedLibraries: Equatable, Sendable {
  /// Where they are, the loader among them.
  package let paths: [String]
  /// Names of those that were not found.
  package let missing: [String]

  /// Reads what `ldd` printed for one file; a static program needs nothing.
  package init(parsing output: String) {
    var paths: [String] = []
    var missing: [String] = []
    for line in output.split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }
      if let arrow = words.firstIndex(of: "=>"), arrow > 0, words.count > arrow + 1 {
        let place = words[arrow + 1]
        if place.hasPrefix("/") {
          paths.append(String(place))
        } else if place == "not" {
          missing.append(String(words[0]))
        }
      } else if let first = words.first, first.hasPrefix("/"), !first.hasSuffix(":") {
        paths.append(String(first))
      }
    }
    self.paths = paths
    self.missing = missing
  }
}
