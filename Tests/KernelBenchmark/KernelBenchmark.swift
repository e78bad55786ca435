import ArgumentParser
import FoundationEssentials
import Glibc
import Guest

/// Compares iscsifs with the kernel's own initiator and with qemu-storage-daemon, in a guest.
@main
struct KernelBenchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "KernelBenchmark",
    abstract: "Instructions per I/O of three initiators in one guest, beside one target.",
    discussion: """
      Prints a markdown table on standard output and what is going on on standard error. Needs \
      root for the network and the target; what cannot be measured is said.
      """)

  @Option(help: "The iscsifs to measure; a release build.")
  var iscsifs = ".build/release/iscsifs"

  @Option(help: "Rounds; each does every job with every initiator.")
  var rounds = 5

  @Option(help: "I/Os of 4 KiB in a run, three times as many as of larger ones.")
  var operations = 3000

  @Option(
    help: """
      The Debian release whose kernel the guest runs, such as trixie or trixie-backports; \
      what this machine's apt has when not given.
      """)
  var kernel: String?

  @Option(help: "Where a kernel of another release comes from.")
  var mirror = PackageSource.defaultMirror

  @Option(
    name: .customLong("job"), parsing: .singleValue,
    help: "A job to do, as \(FioJob.all[0].name); all when not given.")
  var jobNames: [String] = []

  @Option(
    name: .customLong("target-parameter"), parsing: .singleValue,
    help: "What the target negotiates, as InitialR2T=No; tgt's defaults when not given.")
  var targetParameters: [String] = []

  @Option(name: .customShort("o"), help: "More mount options for iscsifs.")
  var options: String?

  @Option(help: "The whole takes at most so many minutes.")
  var minutes = 15

  @Option(help: "Where packages, the image and the logs are kept.")
  var directory = ".build/guest"

  @Option(help: "Where the results are written as JSON.")
  var output = ".build/benchmark/kernel.json"

  @Option(help: "tgtd's control port; one of this process's own when not given.")
  var controlPort: Int?

  @Flag(help: "Use the emulator's own network, as where there is no /dev/net/tun.")
  var userNetwork = false

  func validate() throws {
    for name in jobNames where !FioJob.all.contains(where: { $0.name == name }) {
      let known = FioJob.all.map(\.name).joined(separator: ", ")
      throw ValidationError("there is no job \(name); the jobs are \(known)")
    }
    for (name, value) in [("rounds", rounds), ("operations", operations), ("minutes", minutes)]
    where value < 1 {
      throw ValidationError("--\(name) is at least 1")
    }
  }

  func run() throws {
    // Where root's programs are, whatever way one became root.
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    // SAFETY: the strings are copied.
    _ = unsafe setenv("PATH", path + ":/usr/sbin:/sbin", 1)
    let missing = Requirement.missing(binary: iscsifs)
    guard missing.isEmpty else {
      print("Nothing is measured beside the kernel's initiator: this needs \(missing).")
      return
    }
    Interruption.install()
    do throws(GuestError) {
      try compare()
    } catch .interrupted {
      say("interrupted; the guest, the target and the network are gone")
      throw ExitCode(130)
    } catch .missing(let what) {
      print("Nothing is measured beside the kernel's initiator: this machine lacks \(what).")
    } catch {
      say("\(error)")
      throw ExitCode.failure
    }
  }

  private func compare() throws(GuestError) {
    let place = try made(absolute(directory))
    removeRemains(in: place)
    let plan = Plan(
      binary: absolute(iscsifs), cache: place,
      kernelSource: kernel.map { .release($0, mirror: mirror) } ?? .host,
      jobs: jobNames.isEmpty ? FioJob.all : FioJob.all.filter { jobNames.contains($0.name) },
      rounds: rounds, operationCount: operations, targetParameters: targetParameters,
      mountOptions: options.map { "," + $0 } ?? "", controlPort: controlPort,
      isUserNetworkWanted: userNetwork,
      limit: .seconds(minutes * 60))
    // The image is large and soon old: it goes, the logs of a failure stay.
    let scratch = try made("\(place)/run-\(getpid())")
    defer { try? FileManager.default.removeItem(atPath: "\(scratch)/initrd") }
    let laboratory = try Laboratory(plan, directory: scratch, say: say)
    defer { laboratory.end() }
    var benchmark = Benchmark(plan, laboratory, say: say)
    try benchmark.start()
    let comparison = try benchmark.measure()
    let report = KernelReport(
      comparison, guestKernel: try laboratory.machine.require("uname -rv"),
      emulator: try version(of: "qemu-system-x86_64"), network: laboratory.network,
      channel: benchmark.channel, targetParameters: targetParameters, rounds: rounds)
    try tell(report)
    try? FileManager.default.removeItem(atPath: scratch)
  }

  /// Removes the scratch directories of processes that are no more.
  private func removeRemains(in place: String) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] {
      guard name.hasPrefix("run-"), let owner = Int(name.dropFirst(4)),
        !FileManager.default.fileExists(atPath: "/proc/\(owner)")
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(place)/\(name)")
    }
  }

  private func tell(_ report: KernelReport) throws(GuestError) {
    let file = absolute(output)
    _ = try made(String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)]))
    let data = try report.json()
    do { try data.write(to: URL(filePath: file)) } catch {
      throw .failed("\(file) cannot be written: \(error)")
    }
    print(
      """
      Linux \(report.guestKernel) in \(report.emulator), \(report.network); \(report.channel).
      Kilo-instructions of the whole guest per I/O, medians of \(report.rounds) interleaved rounds \
      with half their range; ratios are medians of the rounds' pairs.

      \(report.table)

      \(report.verdict)
      """)
    say("the samples are in \(file)")
  }

  private func version(of program: String) throws(GuestError) -> String {
    let text = try Program.require([program, "--version"]).text
    return text.split(separator: "\n").first.map(String.init) ?? program
  }

  private func absolute(_ path: String) -> String {
    path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
  }

  private func made(_ directory: String) throws(GuestError) -> String {
    do {
      try FileManager.default.createDirectory(
        atPath: directory, withIntermediateDirectories: true)
      return directory
    } catch {
      throw .failed("\(directory) cannot be made: \(error)")
    }
  }

  private func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    // SAFETY: the array has the length that is told.
    _ = unsafe Glibc.write(2, bytes, bytes.count)
  }
}
