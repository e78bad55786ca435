import FoundationEssentials
import Lab
import LinuxIO

/// fio at work on a LUN file, every block with its own checksum.
struct FioLoad: Sendable {
  struct Outcome: Sendable {
    var status: Int32
    var error: Int32
    var writtenBytes: Int
    var readBytes: Int
    /// The longest wait of one call.
    var longest: Duration
    var said: String

    var isClean: Bool { status == 0 && error == 0 }
    var text: String {
      "\(Self.mebibytes(writtenBytes)) MiB written, \(Self.mebibytes(readBytes)) MiB verified"
    }

    /// "0.7", "12".
    private static func mebibytes(_ byteCount: Int) -> String {
      let tenths = (byteCount * 10) >> 20
      return tenths < 100 ? "\(tenths / 10).\(tenths % 10)" : "\(tenths / 10)"
    }
  }

  private struct Report: Decodable {
    struct Direction: Decodable {
      struct Latency: Decodable { var max: Double }
      enum CodingKeys: String, CodingKey {
        case byteCount = "io_bytes"
        case latency = "clat_ns"
      }
      var byteCount: Int
      var latency: Latency
    }
    struct Job: Decodable {
      var error: Int32
      var read: Direction
      var write: Direction
    }
    var jobs: [Job]
  }

  let process: ManagedProcess
  private let stage: Stage
  private let seconds: Int
  private let report: String

  /// Random direct writes of 512 bytes to 64 KiB, verified soon after and at the end.
  ///
  /// Its worker is a thread: a process would have a session of its own, and outlive an end by
  /// force.
  /// - Parameter rate: of writing, as fio takes it.
  static func start(
    _ stage: Stage, _ file: String, seconds: Int, mebibytes: Int = 48, depth: Int = 16,
    rate: String = "8m"
  ) throws -> FioLoad {
    let report = stage.lab.fresh("fio.json")
    let process = try ManagedProcess(
      [
        "fio", "--thread", "--name=load", "--filename=\(file)", "--rw=randwrite",
        "--bsrange=512-64k",
        "--blockalign=512", "--size=\(mebibytes)M", "--ioengine=libaio", "--iodepth=\(depth)",
        "--direct=1", "--time_based", "--runtime=\(seconds)", "--rate=,\(rate)",
        "--verify=crc32c", "--verify_backlog=128", "--verify_fatal=1", "--verify_dump=0",
        "--randseed=9", "--end_fsync=1", "--output-format=json", "--output=\(report)",
        "--aux-path=\(stage.lab.path)",
      ], output: stage.lab.fresh("fio.said"))
    stage.lab.own(OwnedProcess(process))
    return FioLoad(process: process, stage: stage, seconds: seconds, report: report)
  }

  var isRunning: Bool { process.status == nil }

  /// Waits for its end, for as long as it was asked to run and `patience` more.
  func finish(patience: Duration = .seconds(90)) async throws -> Outcome {
    let status = try await stage.end(of: process, .seconds(seconds) + patience)
    let text = (try? String(contentsOf: URL(filePath: report), encoding: .utf8)) ?? ""
    let said = process.output.split(separator: "\n").suffix(2).joined(separator: "; ")
    guard let start = text.firstIndex(of: "{"),
      let report = try? JSONDecoder().decode(Report.self, from: Data(text[start...].utf8)),
      let job = report.jobs.first
    else {
      throw DrillFailure("fio ended with status \(status) and no report: \(said)")
    }
    return Outcome(
      status: status, error: job.error, writtenBytes: job.write.byteCount,
      readBytes: job.read.byteCount,
      longest: .nanoseconds(Int64(max(job.read.latency.max, job.write.latency.max))), said: said)
  }
}
