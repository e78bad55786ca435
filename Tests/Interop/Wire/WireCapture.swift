import Foundation
import Glibc
import Lab

/// Everything one port says on the loopback, kept by dumpcap and judged by tshark's dissector.
final class WireCapture: Resource {
  private let lab: Lab
  private let port: UInt16
  private let file: String
  private let recutName: String
  private let process: ManagedProcess

  /// Starts capturing; nil where tshark is not installed.
  static func start(_ lab: Lab, port: UInt16) async throws -> WireCapture? {
    guard objection == nil else { return nil }
    let capture = try WireCapture(lab, port: port)
    lab.own(capture)
    let isUp = await eventually(.seconds(10)) {
      capture.process.status != nil || capture.process.output.contains("File: ")
    }
    guard isUp, capture.process.status == nil else {
      throw InteropFailure("dumpcap does not capture: \(capture.process.output)")
    }
    return capture
  }

  static var objection: String? {
    Programs.objection(to: ["tshark", "dumpcap"], package: "tshark")
  }

  private init(_ lab: Lab, port: UInt16) throws {
    self.lab = lab
    self.port = port
    file = lab.fresh("capture")
    recutName = lab.fresh("recut")
    process = try ManagedProcess(
      ["dumpcap", "-P", "-i", "lo", "-f", "tcp port \(port)", "-B", "64", "-w", file],
      output: lab.fresh("dumpcap.log"))
  }

  /// Stops, and has what was captured judged.
  ///
  /// - Parameter areDataDamaged: data were damaged on purpose before they came here.
  func finish(areDataDamaged: Bool = false) async throws -> WireFindings {
    process.signal(SIGINT)
    guard await process.wait(.seconds(15)) == 0 else {
      throw InteropFailure("dumpcap does not end: \(process.output)")
    }
    guard let lost = WireFindings.lostPackets(process.output) else {
      throw InteropFailure("dumpcap does not say what it lost: \(process.output)")
    }
    let recutter = try recut()
    // Every PDU of an expert's remark, then the opcodes and keys of all. Nothing that looks wrong
    // is left aside, however long it is.
    let options =
      "-r '\(recutName)' -n -d tcp.port==\(port),iscsi -o iscsi.bogus_pdu_filter:FALSE"
      + " -o iscsi.bogus_pdu_max_data_len:16777215"
    let fields = WireFindings.fields.map { "-e \($0)" }.joined(separator: " ")
    let output = lab.fresh("dissection")
    let result = await lab.shell(
      """
      tshark \(options) -Y 'iscsi || _ws.malformed || _ws.expert' -T fields \(fields) \\
        -E 'aggregator=|' > \(output) 2> \(output).error || { cat \(output).error; exit 1; }
      cat \(output)
      """, limit: .seconds(300))
    guard result.status == 0 else {
      throw InteropFailure("tshark cannot read the capture: \(result.output.suffix(300))")
    }
    var findings = WireFindings(parsing: result.output, targetPort: port, lostPackets: lost)
    // What it thinks of a header's digest the dissector only says in words.
    let digests = await lab.shell(
      """
      tshark \(options) -Y 'tcp.dstport==\(port) && iscsi.headerdigest32' \\
        -O iscsi 2> /dev/null | grep -oE '(Good|Bad) CRC32' | sort | uniq -c
      """, limit: .seconds(300))
    findings.addDigests(digests.output)
    findings.addDigests(
      right: recutter.right[port, default: 0],
      wrong: areDataDamaged ? 0 : recutter.wrong[port, default: 0])
    let pings = await lab.shell(
      """
      tshark \(options) -Y 'iscsi.opcode == 0x20 || iscsi.opcode == 0 || iscsi.opcode == 6' \\
        -T fields -e tcp.stream -e tcp.dstport -e iscsi.opcode \\
        -e iscsi.initiatortasktag -e iscsi.targettransfertag 2> /dev/null
      """, limit: .seconds(300))
    findings.addPings(pings.output, targetPort: port)
    if findings.isDoubtful { findings.kept = try keep() }
    return findings
  }

  /// Keeps what was captured and what tshark was given of it, for whoever wants to know why.
  private func keep() throws -> String {
    let directory = ".build/interop"
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    for (name, source) in [("captured", file), ("judged", recutName)] {
      let kept = "\(directory)/\(port).\(name).pcap"
      try? FileManager.default.removeItem(atPath: kept)
      try FileManager.default.copyItem(atPath: source, toPath: kept)
    }
    return "\(directory)/\(port).*.pcap"
  }

  /// Writes the same capture in segments tshark can follow.
  private func recut() throws -> SegmentRecutter {
    var recutter = try SegmentRecutter(
      Array(Data(contentsOf: URL(fileURLWithPath: file))), targetPort: port)
    try recutter.run()
    try Data(recutter.output).write(to: URL(fileURLWithPath: recutName))
    return recutter
  }

  func end() async { await process.killGroup() }
}
