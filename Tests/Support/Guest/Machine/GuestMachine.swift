import FoundationEssentials
import LinuxIO

/// A running guest that runs the scripts it is given, one after the other.
///
/// Belongs to one thread, which waits in its calls; letting go of it ends the machine.
package final class GuestMachine {
  /// The longest script: what the guest's terminal holds before the guest reads it.
  package static let maximumScriptBytes = 16384

  /// Where the guest's console is kept.
  package let consoleFile: String
  private let process: OwnedProcess
  private let complaintFile: String
  private let relay: (String) -> Void
  private var parser = AnswerParser()
  private let console: StreamEnd
  private var consoleLines = ConsoleLines()
  private var events: [AnswerParser.Event] = []

  /// Starts a machine and waits until its `/init` takes scripts.
  ///
  /// - Parameters:
  ///   - directory: for the console's and the emulator's own words.
  ///   - relay: is told every line of the guest's console.
  package init(
    _ configuration: GuestConfiguration, directory: String, limit: Duration = .seconds(120),
    relay: @escaping (String) -> Void = { _ in }
  ) throws(GuestError) {
    guard Program.path(of: "qemu-system-x86_64") != nil else {
      throw .missing("qemu-system-x86_64 (package qemu-system-x86)")
    }
    consoleFile = "\(directory)/console.log"
    complaintFile = "\(directory)/emulator.log"
    for file in [consoleFile, complaintFile] { try? FileManager.default.removeItem(atPath: file) }
    self.relay = relay
    console = try StreamEnd.following(consoleFile)
    process = try OwnedProcess(
      configuration.command(consoleFile: consoleFile), input: .pipe, output: .pipe,
      error: .file(complaintFile))
    guard try next("the guest's start", limit) == .ready else {
      throw .failed("the guest answered before it was asked")
    }
  }

  /// Runs `script` in the guest's shell to its end.
  package func run(
    _ script: String, limit: Duration = .seconds(60)
  ) throws(GuestError) -> GuestResult {
    let bytes = Array(script.utf8)
    precondition(bytes.count <= Self.maximumScriptBytes, "a script fits the guest's terminal")
    guard let input = process.input, input.write(Array("\(bytes.count)\n".utf8) + bytes) else {
      throw ended()
    }
    let name = script.split(separator: "\n").first.map(String.init) ?? ""
    guard case .done(let result) = try next("the guest's \"\(name)\"", limit) else {
      throw .failed("the guest started again: \(lastWords())")
    }
    return result
  }

  /// Runs `script`, which has to succeed; returns its output.
  @discardableResult
  package func require(
    _ script: String, limit: Duration = .seconds(60)
  ) throws(GuestError) -> String {
    let result = try run(script, limit: limit)
    guard result.status == 0 else {
      let reason = result.output.split(separator: "\n").suffix(3).joined(separator: " | ")
      throw .failed("in the guest, status \(result.status): \(reason)")
    }
    return result.value
  }

  /// Ends the machine at once, as a power failure does.
  package func end() {
    process.kill()
    relayConsole()
  }

  private func next(_ step: String, _ limit: Duration) throws(GuestError) -> AnswerParser.Event {
    let deadline = ContinuousClock.now.advanced(by: limit)
    while events.isEmpty {
      try Interruption.check()
      guard ContinuousClock.now < deadline else { throw .timedOut(step) }
      guard let output = process.output else { throw ended() }
      let ready = PollEntry.wait(
        for: [PollEntry(output.descriptor, reads: true)], timeoutMilliseconds: 100)
      relayConsole()
      guard ready[0].reads else { continue }
      let bytes = output.read()
      if bytes.isEmpty { throw ended() }
      events += parser.received(bytes)
    }
    return events.removeFirst()
  }

  private func ended() -> GuestError {
    let status = process.wait(.seconds(2)).map { "status \($0)" } ?? "its line is closed"
    return .failed("the guest has ended (\(status)): \(lastWords())")
  }

  /// The end of what the emulator and the guest said.
  private func lastWords() -> String {
    relayConsole()
    let lines = [complaintFile, consoleFile].flatMap { file in
      let text = FileManager.default.contents(atPath: file).map {
        String(decoding: $0, as: UTF8.self)
      }
      return (text ?? "").split { $0 == "\n" || $0 == "\r\n" }.suffix(3).map(String.init)
    }
    return lines.isEmpty ? "it said nothing" : lines.joined(separator: " | ")
  }

  private func relayConsole() {
    while true {
      let bytes = console.read()
      if bytes.isEmpty { return }
      for line in consoleLines.received(bytes) { relay(line) }
    }
  }
}
