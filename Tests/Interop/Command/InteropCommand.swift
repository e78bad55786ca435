import ArgumentParser
import FoundationEssentials
import Glibc
import Guest
import Lab

/// Runs iscsifs against targets other people wrote.
@main
struct InteropCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "Interop", abstract: "Run iscsifs against tgt, istgt and Linux's own target.",
    discussion: """
      Needs root, /dev/fuse and the targets' programs; what this machine lacks is said. The table \
      is printed on standard output, what is going on on standard error.
      """)

  @Argument(help: "Targets; all when none is named.")
  var targets: [TargetKind] = []

  @Option(help: "The iscsifs to mount.")
  var iscsifs = ".build/release/iscsifs"

  @Option(help: "Mebibytes of a LUN.")
  var mebibytes = 16

  @Option(help: "Where packages for the guest are kept.")
  var directory = ".build/guest"

  @Flag(help: "Write Docs/Interop.md.")
  var record = false

  func validate() throws {
    guard (4...1024).contains(mebibytes) else {
      throw ValidationError("--mebibytes is 4 to 1024: the patterns need room")
    }
  }

  func run() async throws {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    // SAFETY: the strings are copied.
    _ = unsafe setenv("PATH", path + ":/usr/sbin:/sbin", 1)
    // SAFETY: the path is a literal for the call.
    guard geteuid() == 0, unsafe access("/dev/fuse", R_OK | W_OK) == 0 else {
      print("Nothing is run against real targets: this needs root and /dev/fuse.")
      return
    }
    guard Programs.isExecutable(absolute(iscsifs)) else {
      print("Nothing is run against real targets: \(iscsifs) is missing (make build).")
      return
    }
    // A guest that dies is an error of the step it dies in.
    _ = signal(SIGPIPE, SIG_IGN)
    Interruption.install()
    let work = Task { try await compare() }
    let listener = Task {
      while !Interruption.isRequested { try await Task.sleep(for: .milliseconds(100)) }
      work.cancel()
    }
    let result = await work.result
    listener.cancel()
    if Interruption.isRequested {
      await say("interrupted; targets, mounts and captures are gone")
      throw ExitCode(130)
    }
    let report = try result.get()
    print(report.table + "\n\n" + report.negotiations)
    if record { try await write(report) }
    guard report.isComplete else { throw ExitCode.failure }
  }

  /// Every target in a lab of its own, which takes everything back.
  private func compare() async throws -> InteropReport {
    var report = InteropReport()
    for kind in targets.isEmpty ? TargetKind.allCases : targets {
      try Task.checkCancellation()
      if let objection = kind.objection {
        await say("\(kind.rawValue): not run, this machine lacks \(objection)")
        continue
      }
      let lab = try Lab(program: absolute(iscsifs)) { Self.warn($0) }
      do {
        report.rows.append(try await row(kind, lab))
      } catch {
        await say("\(kind.rawValue): \(error)")
        report.rows.append(
          InteropReport.Row(
            title: kind.rawValue, settings: "",
            outcomes: [.discovery: .failed(InteropRun.line("\(error)"))],
            negotiated: []))
      }
      // Not cancelled with the rest.
      await Task.detached { await lab.end() }.value
    }
    return report
  }

  private func row(_ kind: TargetKind, _ lab: Lab) async throws -> InteropReport.Row {
    await say("\(kind.rawValue): starting")
    let target = try await kind.start(
      lab, mebibytes: mebibytes, directory: absolute(directory), say: { say($0) })
    await say(target.title)
    var run = InteropRun(lab, target) { say($0) }
    try await run.run()
    return InteropReport.Row(
      title: target.title, settings: target.settings, outcomes: run.outcomes,
      negotiated: run.negotiated)
  }

  private func write(_ report: InteropReport) async throws {
    let machine = await Shell.run("uname -sr").value
    let version = await Shell.run("'\(absolute(iscsifs))' --version").value
    try Data(report.page(machine: machine, version: version).utf8)
      .write(to: URL(filePath: "Docs/Interop.md"), options: .atomic)
    await say("Docs/Interop.md is written")
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }

  @MainActor private func say(_ line: String) { Self.warn(line) }

  private static func warn(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // SAFETY: the array has the length that is told.
    _ = unsafe Glibc.write(2, bytes, bytes.count)
  }
}
