import FoundationEssentials
import Guest

/// What a comparison is told as: a table for people, a file for programs.
struct KernelReport: Codable, Equatable, Sendable {
  /// One job's figures for one initiator.
  struct Figure: Codable, Equatable, Sendable {
    let job: String
    let initiator: Initiator
    /// Kilo-instructions of the whole guest per I/O.
    let guest: Statistics
    let daemon: Statistics?
    /// Beside the kernel's.
    let ratio: Statistics?
    let samples: [Sample]
  }

  /// iscsifs beside the kernel, on average over the jobs (Docs/Performance.md).
  static let goal = 1.0

  let guestKernel: String
  let emulator: String
  let network: String
  let channel: String
  let targetParameters: [String]
  let rounds: Int
  let figures: [Figure]
  let averageRatios: [String: Double]

  init(
    _ comparison: Comparison, guestKernel: String, emulator: String, network: String,
    channel: String, targetParameters: [String], rounds: Int
  ) {
    self.guestKernel = guestKernel
    self.emulator = emulator
    self.network = network
    self.channel = channel
    self.targetParameters = targetParameters
    self.rounds = rounds
    figures = comparison.jobs.flatMap { job in
      Initiator.allCases.compactMap { initiator in
        comparison.cost(job, initiator).map {
          Figure(
            job: job.title, initiator: initiator, guest: $0,
            daemon: comparison.daemonCost(job, initiator),
            ratio: initiator == .kernel ? nil : comparison.ratio(job, initiator),
            samples: comparison.samples(job, initiator))
        }
      }
    }
    averageRatios = Dictionary(
      uniqueKeysWithValues: Initiator.allCases.compactMap { initiator in
        guard initiator != .kernel, let ratio = comparison.averageRatio(initiator) else {
          return nil
        }
        return (initiator.rawValue, ratio)
      })
  }

  /// Kilo-instructions per I/O with their spread, then the ratios, then the average.
  var table: String {
    var lines = [
      "| job | kernel | qemu-storage-daemon | iscsifs | of it the daemon | qemu / kernel "
        + "| iscsifs / kernel |", "|---|---|---|---|---|---|---|",
    ]
    var jobs: [String] = []
    for figure in figures where !jobs.contains(figure.job) { jobs.append(figure.job) }
    for job in jobs {
      let cells =
        [job] + Initiator.allCases.map { cost(figure(job, $0)?.guest) }
        + [cost(figure(job, .iscsifs)?.daemon)]
        + [Initiator.storageDaemon, .iscsifs].map {
          figure(job, $0)?.ratio.map { fixed($0.median, digits: 2) } ?? "not measured"
        }
      lines.append(row(cells))
    }
    lines.append(
      row(
        ["average of the ratios", "", "", "", ""]
          + [Initiator.storageDaemon, .iscsifs].map {
            averageRatios[$0.rawValue].map { "**\(fixed($0, digits: 2))**" } ?? "not measured"
          }))
    return lines.joined(separator: "\n")
  }

  /// A sentence on the goal.
  var verdict: String {
    guard let ratio = averageRatios[Initiator.iscsifs.rawValue] else {
      return "iscsifs could not be compared with the kernel."
    }
    let goal = fixed(Self.goal, digits: 1)
    let count = Set(figures.map(\.job)).count
    return "iscsifs takes \(fixed(ratio, digits: 2)) times the kernel's instructions on average "
      + "over \(count == 1 ? "one job" : "\(count) jobs"); "
      + "the goal of at most \(goal) is \(ratio <= Self.goal ? "reached" : "missed")."
  }

  /// The same for programs, keys in order.
  func json() throws(GuestError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    do { return try encoder.encode(self) } catch { throw .failed("no JSON: \(error)") }
  }

  private func figure(_ job: String, _ initiator: Initiator) -> Figure? {
    figures.first { $0.job == job && $0.initiator == initiator }
  }

  private func cost(_ statistics: Statistics?) -> String {
    statistics.map {
      "\(fixed($0.median, digits: 1)) ±\(fixed($0.spread * 100, digits: 0)) %"
    } ?? "not measured"
  }

  private func row(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |" }
}

/// "1.05": a figure with so many digits behind the point.
func fixed(_ value: Double, digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let scaled = Int((value.magnitude * scale).rounded())
  let sign = value < 0 && scaled > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(scaled)" }
  let fraction = "\(scaled % Int(scale))"
  let zeros = String(repeating: "0", count: digits - fraction.count)
  return "\(sign)\(scaled / Int(scale)).\(zeros)\(fraction)"
}
