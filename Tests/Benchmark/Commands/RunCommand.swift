import ArgumentParser
import FoundationEssentials
import Glibc
import Lab
import UnixSignals

/// Measures workloads, and shows, keeps and draws what they came to.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measure workloads; without a name, all.",
    discussion: """
      benchmark randread-4k-qd32                      one workload
      benchmark --rounds 9 --seconds 4 dd-4k dd-1m    two, more carefully
      benchmark --options cache=none dd-4k            with an option against without
      benchmark --options channel=uring,sessions=2 --against-options channel=dev dd-4k
      benchmark --against OLD/iscsifs dd-4k           this build against another
      benchmark --record                              all, into Docs/Performance.md
      """)

  @Argument(help: "Workloads; `benchmark list` has their names.")
  var workloads: [String] = []

  @Option(help: "Rounds of each contestant, in turns; the median counts.")
  var rounds = 5

  @Option(help: "Seconds of a round.")
  var seconds = 2.0

  @Option(help: "The iscsifs to measure.")
  var program = ".build/release/iscsifs"

  @Option(help: "The file that keeps the results.")
  var json = ".build/benchmark/results.json"

  @Option(help: "The directory the plots are drawn to.")
  var plots: String?

  @Option(help: "Compare iscsifs with these mount options, A,B, with another. Nothing is kept.")
  var options: String?

  @Option(help: "The mount options of the other. Nothing is kept.")
  var againstOptions: String?

  @Option(help: "The program that is the other, where it is not the same one. Nothing is kept.")
  var against: String?

  @Flag(help: "Allow FUSE over io_uring (module-wide, as root) while the benchmark runs.")
  var ring = false

  @Flag(help: "Put table and plots of all results there are into Docs.")
  var record = false

  func validate() throws {
    let unknown = Workload.named(workloads).unknown
    guard unknown.isEmpty else {
      throw ValidationError(
        "no workload \(unknown.joined(separator: ", ")); there are:\n" + ListCommand.text)
    }
    guard (1...1000).contains(rounds) else { throw ValidationError("--rounds is 1 to 1000") }
    guard (0.1...3600).contains(seconds) else {
      throw ValidationError("--seconds is 0.1 to 3600")
    }
  }

  func run() async throws {
    let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
    let work = Task { try await measure() }
    let listener = Task {
      for await _ in signals { work.cancel() }
    }
    let result = await work.result
    listener.cancel()
    switch result {
    case .success(let isComplete):
      if !isComplete { throw ExitCode(ExitStatus.incomplete) }
    case .failure(is CancellationError):
      throw ExitCode(ExitStatus.interrupted)
    case .failure(let error):
      throw error
    }
  }

  /// The workloads asked for, compared with whom was asked for.
  var chosen: [Workload] {
    let named = workloads.isEmpty ? Workload.all : Workload.named(workloads).found
    if keeps { return named }
    return named.map {
      $0.comparing(
        .iscsifs(Self.list(options)), with: .iscsifs(Self.list(againstOptions), program: against))
    }
  }

  /// Keeps nothing of comparisons made up on the command line.
  var keeps: Bool { options == nil && againstOptions == nil && against == nil }

  private static func list(_ options: String?) -> [String] {
    options.map { $0.split(separator: ",").map(String.init) } ?? []
  }

  /// False when something failed on the way.
  private func measure() async throws -> Bool {
    let terminal = Terminal()
    guard Programs.isExecutable(program) else {
      throw BenchmarkFailure("\(program) is missing; `make build` builds it")
    }
    let lab = try Lab(program: absolute(program)) { terminal.warn($0) }
    let result: Result<Bool, any Error>
    do {
      var session = await session(lab, terminal)
      result = .success(try await session.run())
    } catch {
      result = .failure(error)
    }
    terminal.clear()
    // Not cancelled with the rest: what was started is ended whatever happened.
    await Task.detached { await lab.end() }.value
    return try result.get()
  }

  private func session(_ lab: Lab, _ terminal: Terminal) async -> MeasuringSession {
    if ring {
      do {
        try RingSwitch(lab, isOn: true)
      } catch {
        terminal.warn("FUSE over io_uring cannot be allowed: \(error)")
      }
    }
    let machine = await MachineFacts.current()
    // A run of everything begins anew; a run of a few brings the others' results along.
    let kept = workloads.isEmpty ? nil : Results(path: json)
    var results = Results(machine: machine)
    if let kept, kept.machine == machine { results = kept }
    return MeasuringSession(
      lab: lab, terminal: terminal, workloads: chosen, rounds: rounds, seconds: seconds,
      results: results, keepsIn: keeps ? json : nil,
      drawsTo: keeps ? plots ?? (record ? Record.plots : ".build/benchmark/plots") : plots,
      records: record && keeps)
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
  }
}
