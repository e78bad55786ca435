/// What tshark says of a capture.
///
/// Pure. A line a packet: its number, its TCP ports, opcodes, keys, and the experts' severities,
/// groups and messages, several of one packet with `|` between them.
struct WireFindings: Equatable, Sendable {
  /// A remark on a packet.
  struct Remark: Equatable, Sendable {
    var packet: Int
    var message: String
  }

  static let fields = [
    "frame.number", "tcp.dstport", "iscsi.opcode", "iscsi.keyvalue", "_ws.expert.severity",
    "_ws.expert.group", "_ws.expert.message",
  ]
  /// Of Wireshark's epan/proto.h.
  private static let warning = 0x0060_0000
  private static let sequence = 0x0200_0000
  private static let undecoded = 0x0500_0000
  private static let reject = 0x3F

  /// PDUs that went to the target.
  private(set) var sent = 0
  private(set) var received = 0
  /// What is wrong with packets to the target, beside what TCP itself does.
  private(set) var complaints: [Remark] = []
  /// The same of what the target sends.
  private(set) var targetComplaints: [Remark] = []
  /// Reject PDUs: what the target thought of ours.
  private(set) var rejects = 0
  /// Every `key=value` we sent.
  private(set) var keys: Set<String> = []
  /// CHAP_A as the targets chose it, in order.
  private(set) var algorithms: [String] = []
  /// Digests of ours that are right, and those that are not.
  private(set) var goodDigests = 0
  private(set) var badDigests = 0
  /// NOP-Ins that want an answer, and our answers.
  private(set) var pings = 0
  private(set) var pongs = 0
  /// NOP-Ins that want none.
  private(set) var notices = 0
  let lostPackets: Int
  /// Where the capture is kept that was doubtful.
  var kept: String?

  /// Something of what we sent looks wrong.
  var isDoubtful: Bool { !complaints.isEmpty || badDigests > 0 }

  init(parsing text: String, targetPort: UInt16, lostPackets: Int) {
    self.lostPackets = lostPackets
    for line in text.split(separator: "\n") {
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard cells.count == Self.fields.count, let number = Int(cells[0]) else { continue }
      add(number, isSent: Int(cells[1]) == Int(targetPort), cells)
    }
  }

  private mutating func add(_ number: Int, isSent: Bool, _ cells: [String]) {
    let opcodes = Self.list(cells[2]).compactMap(Self.number)
    let pairs = Self.list(cells[3])
    if isSent {
      sent += opcodes.count
      keys.formUnion(pairs)
    } else {
      received += opcodes.count
      rejects += opcodes.count { $0 == Self.reject }
      algorithms += pairs.filter { $0.hasPrefix("CHAP_A=") }.map { String($0.dropFirst(7)) }
        .filter { !algorithms.contains($0) }
    }
    let groups = Self.list(cells[5]).compactMap(Self.number)
    let messages = Self.list(cells[6])
    for (index, severity) in Self.list(cells[4]).compactMap(Self.number).enumerated()
    where severity >= Self.warning {
      // Resets and windows are TCP's affair; what tshark does not know is no fault of the bytes.
      if groups.indices.contains(index), [Self.sequence, Self.undecoded].contains(groups[index]) {
        continue
      }
      let message = messages.indices.contains(index) ? messages[index] : "malformed"
      let remark = Remark(packet: number, message: message)
      if isSent { complaints.append(remark) } else { targetComplaints.append(remark) }
    }
  }

  /// Takes "  12 Good CRC32" and "   1 Bad CRC32".
  mutating func addDigests(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, let count = Int(words[0]) else { continue }
      if words[1] == "Good" { goodDigests += count } else { badDigests += count }
    }
  }

  /// Takes digests that somebody else has judged.
  mutating func addDigests(right: Int, wrong: Int) {
    goodDigests += right
    badDigests += wrong
  }

  /// Takes lines of a NOP's or logout's TCP stream, TCP port, opcode, initiator task tag and
  /// target transfer tag, in order.
  ///
  /// The last ping before a logout may go without an answer: nothing follows a Logout Request
  /// (RFC 7143, 11.14).
  mutating func addPings(_ text: String, targetPort: UInt16) {
    let reserved = "0xffffffff"
    var unanswered: [String: Int] = [:]
    var closing: Set<String> = []
    for line in text.split(separator: "\n") {
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      guard cells.count == 5, let port = Int(cells[1]), let opcode = Self.number(cells[2]) else {
        continue
      }
      let stream = cells[0]
      if port == Int(targetPort) {
        if opcode == 0x06 {
          closing.insert(stream)
          if unanswered[stream] == 1 { pings -= 1 }
        } else if opcode == 0x00, cells[3] == reserved {
          pongs += 1
          unanswered[stream, default: 0] -= 1
        }
      } else if opcode == 0x20, cells[4] != reserved {
        guard !closing.contains(stream) else { continue }
        pings += 1
        unanswered[stream, default: 0] += 1
      } else if opcode == 0x20, cells[3] == reserved {
        notices += 1
      }
    }
  }

  var pingOutcome: Outcome {
    guard pings + notices > 0 else { return .failed("the target sent none") }
    if pings == 0, pongs == 0 { return .passed("\(notices) that want no answer, none given") }
    return pings == pongs
      ? .passed("\(pings) answered") : .failed("\(pongs) of \(pings) answered")
  }

  private static func list(_ cell: String) -> [String] {
    cell.split(separator: "|").map(String.init)
  }

  /// "0x3f", "63".
  private static func number(_ text: String) -> Int? {
    text.hasPrefix("0x") ? Int(text.dropFirst(2), radix: 16) : Int(text)
  }

  /// "received/dropped on interface 'Loopback: lo': 812/0 (pcap:0/dumpcap:0/...)": what dumpcap
  /// says it lost; nil when it does not say.
  static func lostPackets(_ output: String) -> Int? {
    guard let line = output.split(separator: "\n").last(where: { $0.contains("received/dropped") }),
      let figures = line.split(separator: ": ").last?.split(separator: " ").first
    else { return nil }
    let parts = figures.split(separator: "/")
    return parts.count == 2 ? Int(parts[1]) : nil
  }

  var outcome: Outcome {
    guard lostPackets == 0 else { return .impossible("dumpcap lost \(lostPackets) packets") }
    if let first = complaints.first {
      return .failed(
        "\(complaints.count) remarks on what we sent, first on packet \(first.packet): "
          + first.message)
    }
    guard rejects == 0 else { return .failed("the target rejected \(rejects) PDUs") }
    guard badDigests == 0 else { return .failed("\(badDigests) digests of ours are wrong") }
    guard sent > 0, received > 0 else { return .failed("tshark sees no iSCSI") }
    var text = "\(sent) PDUs sent and \(received) received, none malformed"
    if let first = targetComplaints.first {
      text =
        "\(sent) PDUs sent, none malformed; \(targetComplaints.count) remarks on what the "
        + "target sent: \(first.message)"
    }
    if goodDigests > 0 { text += "; \(goodDigests) digests right" }
    let known = ["5": "MD5", "6": "SHA-1", "7": "SHA-256", "8": "SHA3-256"]
    let names = algorithms.map { known[$0] ?? $0 }
    return .passed(text + (names.isEmpty ? "" : "; CHAP with \(names.joined(separator: ", "))"))
  }
}
