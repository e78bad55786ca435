import Lab
import LinuxIO

/// Calls on a LUN file by a process of its own, one after the other, each measured.
struct Probe: Sendable {
  struct Call: Sendable {
    /// open, read, write or fsync.
    var kind: String
    var start: MonotonicTime
    var duration: Duration
    var error: Int32

    var end: MonotonicTime {
      MonotonicTime(nanoseconds: start.nanoseconds + UInt64(duration.nanoseconds))
    }
  }

  let process: ManagedProcess

  /// - Parameter options: of `ProbeCommand`.
  static func start(_ stage: Stage, _ file: String, _ options: String...) throws -> Probe {
    let process = try ManagedProcess(
      [stage.tool, "probe", file] + options, output: stage.lab.fresh("probe"))
    stage.lab.own(OwnedProcess(process))
    return Probe(process: process)
  }

  /// The calls that have ended.
  var calls: [Call] {
    process.output.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 4, let start = UInt64(words[1]), let duration = Int64(words[2]),
        let error = Int32(words[3])
      else { return nil }
      return Call(
        kind: String(words[0]), start: MonotonicTime(nanoseconds: start),
        duration: .nanoseconds(duration), error: error)
    }
  }

  /// Ends it and returns what it saw.
  func stop() async -> [Call] {
    await process.killGroup()
    return calls
  }
}

extension [Probe.Call] {
  var failures: [Probe.Call] { filter { $0.error != 0 } }
  var longest: Duration { map(\.duration).max() ?? .zero }

  /// The first success that ended later than `moment`.
  func firstSuccess(after moment: MonotonicTime) -> Probe.Call? {
    first { $0.error == 0 && $0.end > moment }
  }

  /// What errors there were, "5 (EIO) 3 times".
  var errorText: String {
    let counts = Dictionary(grouping: failures, by: \.error).mapValues(\.count)
    return counts.isEmpty
      ? "no error"
      : counts.sorted { $0.key < $1.key }.map { "errno \($0.key) \($0.value) times" }
        .joined(separator: ", ")
  }
}

extension Duration {
  var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}

/// A process a lab ends.
struct OwnedProcess: Resource {
  private let process: ManagedProcess

  init(_ process: ManagedProcess) { self.process = process }

  func end() async { await process.killGroup() }
}
