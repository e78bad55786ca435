import FoundationEssentials

/// What one run of fio did, from its JSON.
struct FioReport: Equatable, Sendable {
  let operations: Int
  let operationsPerSecond: Double
  let bytesPerSecond: Double
  /// Of the completion latency.
  let latency: Latency?

  /// Reads the output of `--output-format=json --group_reporting`; notes before it are passed over.
  init(parsing text: String) throws {
    guard let start = text.firstRange(of: "{\n") ?? text.firstRange(of: "{") else {
      throw ReportError.notJSON(String(text.prefix(200)))
    }
    let output: Output
    do {
      output = try JSONDecoder().decode(Output.self, from: Data(text[start.lowerBound...].utf8))
    } catch {
      throw ReportError.notJSON(String(text.prefix(200)))
    }
    guard let job = output.jobs.first else { throw ReportError.noJobs }
    guard job.error == 0 else { throw ReportError.jobFailed(job.error) }
    guard let side = [job.read, job.write].max(by: { $0.totalOperations < $1.totalOperations }),
      side.totalOperations > 0
    else { throw ReportError.nothingDone }
    operations = job.read.totalOperations + job.write.totalOperations
    operationsPerSecond = job.read.operationsPerSecond + job.write.operationsPerSecond
    bytesPerSecond = job.read.bytesPerSecond + job.write.bytesPerSecond
    latency = side.completionLatency.percentiles.flatMap { percentiles in
      guard let median = percentiles["50.000000"], let high = percentiles["99.000000"] else {
        return nil
      }
      return Latency(medianMicroseconds: median / 1000, p99Microseconds: high / 1000)
    }
  }

  private struct Output: Decodable {
    let jobs: [Job]
  }

  private struct Job: Decodable {
    let error: Int
    let read: Side
    let write: Side
  }

  /// One direction.
  private struct Side: Decodable {
    let totalOperations: Int
    let operationsPerSecond: Double
    let bytesPerSecond: Double
    let completionLatency: CompletionLatency

    enum CodingKeys: String, CodingKey {
      case totalOperations = "total_ios"
      case operationsPerSecond = "iops"
      case bytesPerSecond = "bw_bytes"
      case completionLatency = "clat_ns"
    }
  }

  private struct CompletionLatency: Decodable {
    let percentiles: [String: Double]?

    enum CodingKeys: String, CodingKey {
      case percentiles = "percentile"
    }
  }
}
