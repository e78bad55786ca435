import FoundationEssentials
package import ISCSI
package import Lab

/// A capture as Wireshark's dissector reads it (tshark), packet by packet.
package struct Dissection: Sendable {
  package struct Packet: Sendable {
    /// From 1.
    package var number: Int
    /// What tshark prints of each field of `PDUFields.names` that it found, numbers in decimal.
    package var values: [String: [String]]
    /// What its experts warn of, or call malformed.
    package var remarks: [String]

    /// The opcode of the first PDU in it.
    package var opcode: Opcode? {
      values["iscsi.opcode"]?.first.flatMap { UInt8($0) }.map { Opcode(rawValue: $0) }
    }

    /// Fields in which tshark and our types do not agree, each with both values; empty where all
    /// that ours read is what tshark reads.
    package func differences(from unit: ProtocolDataUnit) -> [String] {
      let ours = PDUFields(unit).values
      return ours.compactMap { name, expected in
        let found = values[name] ?? []
        // The SCSI dissector repeats a unit's number.
        let isSame = name == "scsi.lun" ? found.first == expected.first : found == expected
        return isSame ? nil : "\(name): ours \(expected), tshark \(found)"
      }.sorted()
    }
  }

  package private(set) var packets: [Packet]
  /// Digests that tshark calculates too, and those that it finds wrong.
  package private(set) var goodDigests = 0
  package private(set) var badDigests = 0

  /// Of Wireshark's epan/proto.h.
  private static let warning: UInt32 = 0x0060_0000

  package static var objection: String? {
    Programs.objection(to: ["tshark"], package: "tshark")
  }

  /// Has the capture file at `path` read, in which a target's port is `port`.
  package init(of path: String, port: UInt16) async throws(ManagedProcess.Failure) {
    let tshark =
      "tshark -n -r '\(path)' -d tcp.port==\(port),iscsi"
      + " -o iscsi.bogus_pdu_filter:FALSE -o tcp.analyze_sequence_numbers:TRUE"
    let names = ["frame.number", "_ws.expert.severity", "_ws.expert.message"] + PDUFields.names
    let table = await Shell.run(
      tshark + " -T fields -E 'aggregator=|' -E occurrence=a "
        + names.map { "-e \($0)" }.joined(separator: " ") + " 2>/dev/null")
    guard table.status == 0 else {
      throw ManagedProcess.Failure(description: "tshark cannot read \(path): \(table)")
    }
    packets = table.output.split(separator: "\n").compactMap { Self.packet($0, names) }
    // What it thinks of a digest the dissector says in words only.
    let digests = await Shell.run(
      tshark + " -O iscsi 2>/dev/null | grep -oE '\\((Good|Bad) CRC32' | sort | uniq -c")
    for line in digests.lines {
      let words = line.split(separator: " ")
      guard let count = words.first.flatMap({ Int($0) }) else { continue }
      if words.contains("(Good") { goodDigests += count } else { badDigests += count }
    }
  }

  /// The names Wireshark has for the values of a field.
  package static func names(of field: String) async -> [UInt16: String] {
    var names: [UInt16: String] = [:]
    // It prints all it knows: hundreds of thousands of lines.
    let values = await Shell.run("tshark -G values 2>/dev/null | grep -P '^V\\t\(field)\\t'")
    for line in values.lines {
      let cells = line.split(separator: "\t").map(String.init)
      if cells.count == 4, let value = UInt16(decimal(cells[2])) { names[value] = cells[3] }
    }
    return names
  }

  private static func packet(_ line: Substring, _ names: [String]) -> Packet? {
    let cells = line.split(separator: "\t", omittingEmptySubsequences: false)
      .map { $0.split(separator: "|").map(String.init) }
    guard cells.count == names.count, let number = cells[0].first.flatMap({ Int($0) }) else {
      return nil
    }
    var packet = Packet(number: number, values: [:], remarks: [])
    for (severity, message) in zip(cells[1], cells[2])
    where UInt32(severity).map({ $0 >= warning }) ?? true { packet.remarks.append(message) }
    for (name, values) in zip(names, cells).dropFirst(3) where !values.isEmpty {
      packet.values[name] = values.map(decimal)
    }
    return packet
  }

  private static func decimal(_ text: String) -> String {
    switch text {
    case "True": "1"
    case "False": "0"
    case _ where text.hasPrefix("0x"): UInt64(text.dropFirst(2), radix: 16).map(String.init) ?? text
    default: text
    }
  }
}
