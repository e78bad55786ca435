/// How long callers waited.
struct Latency: Codable, Equatable, Sendable {
  let medianMicroseconds: Double
  let p99Microseconds: Double
}
