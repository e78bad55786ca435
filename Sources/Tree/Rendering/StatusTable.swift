package import ControlPlane
package import Reactor

/// The `status` file: everything on one page, for a person.
///
/// A line a target, and below it an indented one a LUN. Columns are as wide as what is in them, so
/// that `column` is not needed; words are those of the attribute files. Behind the table stands a
/// line for each target that is recovering: since when, until when, and why.
package enum StatusTable {
  /// The table, which ends in a newline.
  package static func text(
    of snapshot: InitiatorSnapshot, channel: RequestChannel = .device
  ) -> String {
    let head =
      "Initiator: \(Rendering.line(snapshot.initiatorName))\nChannel: \(channel.name)\n"
    guard !snapshot.targets.isEmpty else {
      return head + "No targets. Try: echo \"discover HOST\" > control\n"
    }
    return head + "\n" + aligned(rows(of: snapshot), rightAligned: [2, 4]) + outages(of: snapshot)
  }

  /// `bytes` in the largest unit that leaves at least 1, with one decimal, rounded down.
  package static func size(_ bytes: UInt64) -> String {
    guard bytes >= 1024 else { return "\(bytes) B" }
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    let power = (63 - bytes.leadingZeroBitCount) / 10
    let unit = UInt64(1) << UInt64(power * 10)
    // The remainder is below 2^60, so ten of it fit.
    let tenths = (bytes % unit) * 10 / unit
    return "\(bytes / unit).\(tenths) \(units[power - 1])"
  }

  private static func outages(of snapshot: InitiatorSnapshot) -> String {
    var lines = ""
    for target in snapshot.targets where target.outage != nil {
      let name = Rendering.line(target.directoryName)
      lines += "\(name): \(Rendering.state(of: target)): \(Rendering.line(target.lastError))\n"
    }
    return lines.isEmpty ? "" : "\n" + lines
  }

  private static func rows(of snapshot: InitiatorSnapshot) -> [[String]] {
    var rows = [["TARGET", "STATE", "SESSIONS", "LUN", "SIZE", "LUN STATE", "DEVICE"]]
    for target in snapshot.targets {
      let name = Rendering.line(target.directoryName)
      let head = [name, target.state.rawValue, "\(target.sessions.count)"]
      if target.logicalUnits.isEmpty {
        rows.append(head + ["-", "-", "-", "-"])
      }
      for (index, unit) in target.logicalUnits.enumerated() {
        rows.append((index == 0 ? head : ["", "", ""]) + columns(of: unit))
      }
    }
    return rows
  }

  private static func columns(of unit: LogicalUnitSnapshot) -> [String] {
    let capacity = Rendering.file(of: unit)?.capacityBytes ?? 0
    let opens = unit.openCount == 0 ? "" : " (\(unit.openCount) open)"
    return [
      TargetDirectory.fileName(of: unit.lun), capacity == 0 ? "-" : size(capacity),
      Rendering.line(unit.state) + opens, Rendering.device(of: unit),
    ]
  }

  /// The rows as lines whose columns stand below each other.
  private static func aligned(_ rows: [[String]], rightAligned: Set<Int>) -> String {
    var widths = [Int](repeating: 0, count: rows.first?.count ?? 0)
    for row in rows {
      for (column, text) in row.enumerated() { widths[column] = max(widths[column], width(text)) }
    }
    var lines = ""
    lines.reserveCapacity(rows.count * (widths.reduce(0, +) + 2 * widths.count))
    for row in rows {
      // Nothing is written behind a line's last word.
      let last = row.lastIndex { !$0.isEmpty } ?? 0
      for (column, text) in row.enumerated().prefix(last + 1) {
        let padding = String(repeating: " ", count: widths[column] - width(text))
        if column > 0 { lines += "  " }
        if rightAligned.contains(column) { lines += padding }
        lines += text
        if !rightAligned.contains(column), column < last { lines += padding }
      }
      lines += "\n"
    }
    return lines
  }

  /// How many columns a text takes.
  private static func width(_ text: String) -> Int {
    text.utf8.allSatisfy { $0 < 0x80 } ? text.utf8.count : text.count
  }
}
