/// What a run of several targets is told as, in markdown.
struct InteropReport: Sendable {
  struct Row: Sendable {
    var title: String
    var settings: String
    var outcomes: [Capability: Outcome]
    var negotiated: [(session: String, text: String)]
  }

  var rows: [Row] = []

  var isComplete: Bool {
    rows.allSatisfy { row in row.outcomes.values.allSatisfy { !$0.isFailure } }
  }

  /// A row a capability, a column a target: sentences need the width.
  var table: String {
    let head = ["capability"] + rows.map(\.title)
    var lines = [Self.row(head), Self.row(head.map { _ in "---" })]
    for capability in Capability.allCases {
      lines.append(
        Self.row(
          [capability.rawValue] + rows.map { $0.outcomes[capability]?.cell ?? "not: not reached" }))
    }
    return lines.joined(separator: "\n")
  }

  /// What each kind of session came to, a table a target.
  var negotiations: String {
    rows.map { row in
      let settings = row.settings.isEmpty ? "" : "The target was told \(row.settings).\n\n"
      let lines = row.negotiated.map { Self.row([$0.session, $0.text]) }
      return "### \(row.title)\n\n\(settings)"
        + ([Self.row(["session", "in force"]), "|---|---|"] + lines).joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// The whole page.
  func page(machine: String, version: String) -> String {
    """
    # Real targets

    Written by `make interop RECORD=1`: \(version) on \(machine), mounted as people do, against
    targets it shares no line with. `pass` is what was seen to work; `not` says what cannot be had,
    and why.

    Patterns are pieces of 1 byte to 1 MiB, aligned and not, through the page cache and past it,
    each with fsync, read back and compared, and at the end compared with what the target stored.
    Big transfers are all of a LUN in four writes side by side. What went over the wire was captured
    and judged by tshark's dissector: no malformed PDU and no expert's warning on what iscsifs
    sends, and no Reject from the target. Its remarks on what a target sends are counted, not
    judged: those on LIO are tshark 4.0's own, which reads sixteen words of a Block Limits page (VPD
    B0h) that has four, as it may. Damaged data are those of every 41st Data-In and every 31st PDU
    with data of ours, on the first four connections of a session with DataDigest and
    ErrorRecoveryLevel 1; what is stored and read must be right however the target takes it.
    Data digests are taken out and judged apart: tshark 4.0 learns of them from the first PDU with
    data that lies whole in a segment, and reads on four bytes early behind one before that.
    Lost connections are reset by a proxy, each after 2 to 8 MB: the only one of a session that asks
    for ErrorRecoveryLevel 2, while all of the LUNs are written and read; what is stored and read
    must be right however the target takes it.

    \(table)

    ## What was negotiated

    \(negotiations)

    """
  }

  private static func row(_ cells: [String]) -> String {
    "| \(cells.joined(separator: " | ")) |"
  }
}
