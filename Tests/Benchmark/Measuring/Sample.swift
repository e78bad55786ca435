/// One round of one contestant.
struct Sample: Codable, Equatable, Sendable {
  /// In the workload's unit: I/Os or MiB a second.
  var rate: Double
  var bytesPerSecond: Double
  /// The initiator's CPU time for one I/O or MiB.
  var processorMicroseconds: Double
  /// The target's.
  var targetMicroseconds: Double
  var latency: Latency?
}
