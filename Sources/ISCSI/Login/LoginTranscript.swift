/// Both sides of a login as lines, fit to be shown: secrets masked, everything else escaped.
///
/// `>` is ours, `<` the target's, `!` a remark. At most 512 lines are kept; the last then says so.
package struct LoginTranscript: Equatable, Sendable {
  package static let maximumLineCount = 512
  /// The longest value shown, in Unicode scalars: one character may be any number of them.
  static let maximumValueScalarCount = 255

  package enum Direction: String, Sendable {
    case sent = ">"
    case received = "<"
  }

  package private(set) var lines: [String] = []

  package init() {}

  mutating func note(_ direction: Direction, _ header: BasicHeaderSegment) {
    let flags = header.flags
    var line = "\(direction.rawValue) \(header.opcode.name)"
    line += " T=\(flags >> 7) C=\(flags >> 6 & 1) CSG=\(flags >> 2 & 3) NSG=\(flags & 3)"
    if direction == .received {
      let response = LoginResponse(header)
      let status = LoginStatus(
        statusClass: response.statusClass, detail: response.statusDetail)
      line += " TSIH=\(response.tsih) status=\(status.code) (\(status))"
    }
    append(line)
  }

  mutating func note(_ direction: Direction, _ parameters: [TextParameter]) {
    for parameter in parameters {
      let value = Self.isSecret(parameter.key.utf8) ? "********" : Self.shown(parameter.value)
      append("\(direction.rawValue) \(parameter.key.escapedForTerminal)=\(value)")
    }
  }

  mutating func note(remark: String) { append("! \(remark)") }

  private mutating func append(_ line: String) {
    if lines.count < Self.maximumLineCount - 1 {
      lines.append(line)
    } else if lines.count == Self.maximumLineCount - 1 {
      lines.append("...")
    }
  }

  private static func shown(_ value: String) -> String {
    let start = value.unicodeScalars.prefix(maximumValueScalarCount)
    let text = String(String.UnicodeScalarView(start)).escapedForTerminal
    return start.endIndex == value.endIndex ? text : text + "..."
  }

  private static let secretKeys = [
    "CHAP_C", "CHAP_R", "SRP_A", "SRP_B", "SRP_M", "SRP_HM", "SRP_s",
  ]

  /// A challenge and its response together allow guessing the secret at leisure.
  ///
  /// A key is its bytes, not what Unicode holds equivalent.
  static func isSecret(_ key: some Sequence<UInt8>) -> Bool {
    secretKeys.contains { key.elementsEqual($0.utf8) } || key.starts(with: "KRB_".utf8)
      || key.starts(with: "SPKM_".utf8)
  }
}
