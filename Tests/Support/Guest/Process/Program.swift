import FoundationEssentials
import LinuxIO

/// A program that is run to its end for what it prints.
package struct Program {
  /// Exit status, 128 + signal where a signal ended it.
  package let status: Int32
  package let output: [UInt8]
  /// What it wrote to standard error.
  package let complaint: String

  /// The output as text.
  package var text: String { String(decoding: output, as: UTF8.self) }

  /// Runs `arguments` to the end, whatever status it ends with.
  package static func run(
    _ arguments: [String], limit: Duration = .seconds(60)
  ) throws(GuestError) -> Program {
    let process = try OwnedProcess(arguments, output: .pipe, error: .pipe)
    let deadline = ContinuousClock.now.advanced(by: limit)
    var output: [UInt8] = []
    var complaint: [UInt8] = []
    var open = [0: process.output, 1: process.error].compactMapValues(\.self)
    while !open.isEmpty {
      if Interruption.isRequested {
        process.kill()
        throw .interrupted
      }
      guard ContinuousClock.now < deadline else {
        process.kill()
        throw .timedOut(arguments.joined(separator: " "))
      }
      let ends = open.sorted { $0.key < $1.key }
      let ready = PollEntry.wait(
        for: ends.map { PollEntry($0.value.descriptor, reads: true) }, timeoutMilliseconds: 100)
      for (end, entry) in zip(ends, ready) where entry.reads {
        let bytes = end.value.read()
        if bytes.isEmpty { open[end.key] = nil }
        if end.key == 0 { output += bytes } else { complaint += bytes }
      }
    }
    guard let status = process.wait(.seconds(5)) else {
      throw .timedOut(arguments.joined(separator: " "))
    }
    return Program(
      status: status, output: output, complaint: String(decoding: complaint, as: UTF8.self))
  }

  /// Runs `arguments`, which have to succeed.
  @discardableResult
  package static func require(
    _ arguments: [String], limit: Duration = .seconds(60)
  ) throws(GuestError) -> Program {
    let program = try run(arguments, limit: limit)
    guard program.status == 0 else {
      let reason = program.complaint.split(separator: "\n").last.map(String.init)
      throw .failed(
        "\(arguments.joined(separator: " ")) failed: \(reason ?? "status \(program.status)")")
    }
    return program
  }

  /// Where a program is, looked for where root's programs are too.
  package static func path(of name: String) -> String? {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let directories = path.split(separator: ":").map(String.init) + ["/usr/sbin", "/sbin"]
    return directories.lazy.map { "\($0)/\(name)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
