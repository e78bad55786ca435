import Testing

@testable import Interop

@Suite("What tshark says")
struct WireFindingsTests {
  private func findings(_ lines: [String], lost: Int = 0) -> WireFindings {
    WireFindings(
      parsing: lines.joined(separator: "\n") + "\n", targetPort: 3260, lostPackets: lost)
  }

  /// A login and its answer, two commands in one packet and their answers.
  private let healthy = [
    "4\t3260\t0x03\tInitiatorName=iqn.a|AuthMethod=CHAP\t\t\t",
    "6\t50000\t0x23\tCHAP_A=7|CHAP_I=1\t\t\t",
    "8\t3260\t0x01|0x01\t\t\t\t",
    "9\t50000\t0x25|0x21\t\t\t\t",
  ]

  @Test("PDUs are counted both ways, keys and algorithms are kept")
  func healthyCapture() {
    let findings = self.findings(healthy)
    #expect(findings.sent == 3 && findings.received == 3)
    #expect(findings.keys == ["InitiatorName=iqn.a", "AuthMethod=CHAP"])
    #expect(findings.algorithms == ["7"])
    #expect(
      findings.outcome
        == .passed("3 PDUs sent and 3 received, none malformed; CHAP with SHA-256"))
  }

  @Test("A malformed PDU of ours, a warning, a Reject: each fails")
  func failures() {
    let malformed = findings(
      healthy + ["11\t3260\t0x05\t\t8388608\t117440512\tMalformed Packet (Exception occurred)"])
    #expect(malformed.complaints.map(\.packet) == [11])
    #expect(malformed.outcome.isFailure)
    let warning = findings(
      healthy + ["11\t3260\t0x01\t\t2097152|6291456\t0x01000000|0x09000000\tfine|Invalid opcode"])
    #expect(
      warning.outcome
        == .failed("1 remarks on what we sent, first on packet 11: Invalid opcode"))
    let rejected = findings(healthy + ["11\t50000\t0x3f\t\t\t\t"])
    #expect(rejected.outcome == .failed("the target rejected 1 PDUs"))
    #expect(findings([]).outcome.isFailure)
  }

  @Test("What TCP does, notes, and the target's own mistakes do not fail")
  func forgiven() {
    let tcp = findings(
      healthy + [
        "11\t3260\t\t\t6291456\t33554432\tConnection reset (RST)",
        "12\t3260\t0x00\t\t4194304\t150994944\tA note",
      ])
    #expect(tcp.complaints.isEmpty)
    let theirs = findings(healthy + ["11\t50000\t0x25\t\t8388608\t117440512\tMalformed"])
    #expect(theirs.targetComplaints == [WireFindings.Remark(packet: 11, message: "Malformed")])
    #expect(!theirs.outcome.isFailure)
  }

  @Test("A wrong digest of ours fails, right ones are counted")
  func digests() {
    var findings = self.findings(healthy)
    findings.addDigests("     67 Good CRC32\n")
    #expect(findings.outcome.cell.contains("67 digests right"))
    findings.addDigests("      1 Bad CRC32\n")
    #expect(findings.outcome == .failed("1 digests of ours are wrong"))
  }

  @Test("Pings of the target are those with a tag to answer with; ours are not counted")
  func pings() {
    var findings = self.findings(healthy)
    #expect(findings.pingOutcome == .failed("the target sent none"))
    // Ours and its answer, then the target's.
    findings.addPings(
      "1\t3260\t0x00\t0x00000007\t0xffffffff\n1\t50000\t0x20\t0x00000007\t0xffffffff\n"
        + "1\t50000\t0x20\t0xffffffff\t0x00000001\n", targetPort: 3260)
    #expect(findings.pingOutcome == .failed("0 of 1 answered"))
    findings.addPings("1\t3260\t0x00\t0xffffffff\t0x00000001\n", targetPort: 3260)
    #expect(findings.pingOutcome == .passed("1 answered"))
    var notice = self.findings(healthy)
    notice.addPings("1\t50000\t0x20\t0xffffffff\t0xffffffff\n", targetPort: 3260)
    #expect(notice.pingOutcome == .passed("1 that want no answer, none given"))
  }

  @Test("The last ping before a logout, and those after it, need no answer; two before it do")
  func pingsBesideLogout() {
    let ping = "1\t50000\t0x20\t0xffffffff\t0x00000001\n"
    let pong = "1\t3260\t0x00\t0xffffffff\t0x00000001\n"
    let logout = "1\t3260\t0x06\t0x00000009\t\n"
    var crossing = findings(healthy)
    crossing.addPings(ping + pong + ping + logout + ping, targetPort: 3260)
    #expect(crossing.pingOutcome == .passed("1 answered"))
    var ignored = findings(healthy)
    ignored.addPings(ping + ping + logout, targetPort: 3260)
    #expect(ignored.pingOutcome == .failed("0 of 2 answered"))
  }

  @Test("A capture with holes proves nothing")
  func lost() {
    #expect(findings(healthy, lost: 2).outcome == .impossible("dumpcap lost 2 packets"))
    let output = """
      Capturing on 'Loopback: lo'
      File: /tmp/x
      Packets captured: 812
      Packets received/dropped on interface 'Loopback: lo': 812/3 (pcap:3/dumpcap:0) (99.6%)
      """
    #expect(WireFindings.lostPackets(output) == 3)
    #expect(WireFindings.lostPackets("dumpcap: nothing") == nil)
  }
}
