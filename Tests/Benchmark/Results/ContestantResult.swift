/// All rounds of one contestant in one workload.
struct ContestantResult: Codable, Equatable, Sendable {
  let name: String
  var samples: [Sample]
  /// Sessions it shares the load among.
  var sessionCount = 1
  /// The most memory its process has had resident.
  var peakMemoryBytes: Int?

  var rate: Spread? { Spread(samples.map(\.rate)) }
  var bytesPerSecond: Spread? { Spread(samples.map(\.bytesPerSecond)) }
  var processorMicroseconds: Spread? { Spread(samples.map(\.processorMicroseconds)) }
  var targetMicroseconds: Spread? { Spread(samples.map(\.targetMicroseconds)) }
  var medianLatency: Spread? { Spread(samples.compactMap(\.latency?.medianMicroseconds)) }
  var p99Latency: Spread? { Spread(samples.compactMap(\.latency?.p99Microseconds)) }
}
