import ArgumentParser

/// Measures what many targets, sessions and LUNs cost a mounted `iscsifs`.
///
/// The targets are simulated in this process, so that everything measured of the daemon is its own.
@main
struct Scale: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scale",
    abstract: "Measure what many targets, sessions and LUNs cost a mount.",
    discussion: """
      scale                                 every workload
      scale targets --count 1 --count 1000  one workload, with its own counts
      scale idle --seconds 60

      Workloads: \(Workload.allCases.map(\.rawValue).joined(separator: ", "))
      """)

  @Argument(help: "Workloads; all when none is named.")
  var workloads: [Workload] = []

  @Option(help: "The program measured.")
  var binary = ".build/release/iscsifs"

  @Option(help: "How many targets, sessions or LUNs; may be given several times.")
  var count: [Int] = []

  @Option(help: "How long idle and io are watched.")
  var seconds = 20

  @Option(name: .short, help: "More mount options, as for iscsifs mount.")
  var o: [String] = []

  @Option(help: "The TCP port of io's tgtd.")
  var port = 23_260

  @Option(help: "The control port of io's tgtd.")
  var control = 232

  func run() async throws {
    let bench = try ScaleBench(
      binary: binary, options: o, counts: count, seconds: seconds, port: port, control: control)
    defer { bench.end() }
    for workload in workloads.isEmpty ? Workload.allCases : workloads {
      try await workload.run(on: bench)
    }
  }
}

/// What can be measured.
enum Workload: String, CaseIterable, ExpressibleByArgument {
  case targets, sessions, idle, units, limits, recovery, io

  func run(on bench: ScaleBench) async throws {
    switch self {
    case .targets: try await bench.measureTargets()
    case .sessions: try await bench.measureSessions()
    case .idle: try await bench.measureIdle()
    case .units: try await bench.measureUnits()
    case .limits: try await bench.measureLimits()
    case .recovery: try await bench.measureRecovery()
    case .io: try await bench.measureIO()
    }
  }
}
