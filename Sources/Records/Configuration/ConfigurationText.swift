/// Text in iscsid.conf's form: `key = value` lines, blank lines, lines that begin with `#`.
///
/// A value runs to the end of its line, so that `#` may be part of a secret. Pure.
package enum ConfigurationText {
  /// The settings of `text`, in order.
  ///
  /// - Parameter objectionToSecrets: why secrets must not come from this text; nil when they may.
  package static func settings(
    in text: String, path: String, objectionToSecrets: String?
  ) throws(ConfigurationError) -> [Setting] {
    var settings: [Setting] = []
    let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
    for (index, line) in lines.enumerated() {
      let origin = SettingOrigin.file(path: path, line: index + 1)
      guard let (key, value) = try keyAndValue(of: line, origin: origin) else { continue }
      settings.append(
        Setting(key: key, value: value, origin: origin, objectionToSecrets: objectionToSecrets))
    }
    return settings
  }

  /// One line as it is written to a `config` file of the mounted tree; nil when it sets nothing.
  package static func setting(inLine line: String) throws(ConfigurationError) -> Setting? {
    guard let (key, value) = try keyAndValue(of: line[...], origin: .control) else { return nil }
    return Setting(key: key, value: value, origin: .control, objectionToSecrets: nil)
  }

  private static func keyAndValue(
    of line: Substring, origin: SettingOrigin
  ) throws(ConfigurationError) -> (String, String)? {
    let trimmed = trim(line)
    if trimmed.isEmpty || trimmed.first == "#" { return nil }
    guard
      let equals = trimmed.firstIndex(of: "="),
      case let key = trim(trimmed[..<equals]), !key.isEmpty, !key.contains(where: \.isWhitespace),
      case let value = trim(trimmed[trimmed.index(after: equals)...]), !value.isEmpty
    else { throw ConfigurationError(origin, .malformedLine(shown(trimmed))) }
    return (String(key), String(value))
  }

  private static func trim(_ text: Substring) -> Substring {
    guard let first = text.firstIndex(where: { !$0.isWhitespace }),
      let last = text.lastIndex(where: { !$0.isWhitespace })
    else { return "" }
    return text[first...last]
  }

  /// At most 40 printable characters, and nothing of a line that speaks of a password.
  private static func shown(_ line: Substring) -> String {
    if line.lowercased().contains("password") { return Secret.mask }
    let printable = line.prefix(40).map { character in
      character.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F }
        ? character : "?"
    }
    return String(printable) + (line.count > 40 ? "..." : "")
  }
}
