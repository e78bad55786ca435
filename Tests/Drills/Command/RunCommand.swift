import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import Lab
import LinuxIO

/// Runs drills, tells what each came to, and keeps it.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Run drills; without a name, all.",
    discussion: """
      Needs root and /dev/fuse. What is going on is told on standard error, a line a drill on \
      standard output. All of them take about an hour, with --short a few minutes.
      """)

  @Argument(help: "Drills; `Drills list` has their names.")
  var names: [String] = []

  @Option(help: "The iscsifs to mount.")
  var iscsifs = ".build/release/iscsifs"

  @Flag(help: "Seconds instead of minutes.")
  var short = false

  @Option(help: "How long what is long lasts: 1 as it is meant, 0 as with --short.")
  var scale = 1.0

  @Flag(help: "Write the table into Docs/Reliability.md.")
  var record = false

  @Option(help: "The file that keeps the results.")
  var results = ".build/drills/results.json"

  @Option(help: "The library drill 26 loads before libc.")
  var clockJump = ".build/debug/libClockJump.so"

  @Option(help: "Where packages for the guest are kept.")
  var directory = ".build/guest"

  private var all: [any Drill] {
    Catalogue.all(
      clockJump: Self.absolute(clockJump), guestCache: Self.absolute(directory))
  }

  func validate() throws {
    guard (0...1).contains(scale) else { throw ValidationError("--scale is 0 to 1") }
    let known = all.map(\.name)
    let unknown = names.filter { !known.contains($0) }
    guard unknown.isEmpty else {
      throw ValidationError(
        "no drill \(unknown.joined(separator: ", ")); there are \(known.joined(separator: ", "))")
    }
  }

  func run() async throws {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    // SAFETY: the strings are copied.
    _ = unsafe setenv("PATH", path + ":/usr/sbin:/sbin", 1)
    // SAFETY: the path is a literal for the call.
    guard geteuid() == 0, unsafe access("/dev/fuse", R_OK | W_OK) == 0 else {
      print("No drill is run: this needs root and /dev/fuse.")
      return
    }
    guard Programs.isExecutable(iscsifs) else {
      print("No drill is run: \(iscsifs) is missing (make build).")
      return
    }
    Interruption.install()
    let work = Task { try await perform() }
    let listener = Task {
      while !Interruption.isRequested { try await Task.sleep(for: .milliseconds(100)) }
      work.cancel()
    }
    let result = await work.result
    listener.cancel()
    if Interruption.isRequested {
      Self.warn("interrupted; targets, mounts and loop devices are gone")
      throw ExitCode(130)
    }
    guard try result.get() else { throw ExitCode.failure }
  }

  /// False when a drill failed.
  private func perform() async throws -> Bool {
    let machine = await Shell.run("uname -sr").value
    let version = await Shell.run("'\(Self.absolute(iscsifs))' --version").value
    var kept = DrillResults(path: results) ?? DrillResults()
    let run = DrillRun(
      iscsifs: Self.absolute(iscsifs), scale: Scale(factor: short ? 0 : scale),
      tool: try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
      say: { Self.warn($0) })
    let chosen = all.filter { drill in
      names.isEmpty
        ? Catalogue.includesWriteCache || !Catalogue.onRequest.contains { $0.name == drill.name }
        : names.contains(drill.name)
    }
    var isGood = true
    for drill in chosen {
      try Task.checkCancellation()
      var result = await run.perform(drill)
      try Task.checkCancellation()
      result.machine = machine
      result.version = version
      Self.write(result.line, to: 1)
      isGood = isGood && !result.hasFailed
      kept.keep(result)
      try kept.write(to: results)
    }
    if record {
      try DrillRecord.write(kept.ordered(all.map(\.name)))
      Self.warn("\(DrillRecord.page) is written")
    }
    return isGood
  }

  private static func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }

  private static func warn(_ line: String) { write(line, to: 2) }

  /// At once: who watches a run of an hour wants to see it.
  private static func write(_ line: String, to descriptor: Int32) {
    let bytes = Array((line + "\n").utf8)
    // SAFETY: the array has the length that is told.
    _ = unsafe Glibc.write(descriptor, bytes, bytes.count)
  }
}
