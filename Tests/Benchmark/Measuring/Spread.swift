/// A figure of several rounds: its median, and its ends for whoever wants to see the noise.
struct Spread: Codable, Equatable, Sendable {
  let median: Double
  let lowest: Double
  let highest: Double

  /// nil where there is nothing to take the middle of.
  init?(_ values: [Double]) {
    let sorted = values.filter(\.isFinite).sorted()
    guard let lowest = sorted.first, let highest = sorted.last else { return nil }
    let middle = sorted.count / 2
    median =
      sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
    self.lowest = lowest
    self.highest = highest
  }

  /// The ratios of values measured right after one another, pair by pair; what cannot be divided by
  /// is left out.
  init?(of values: [Double], to others: [Double]) {
    self.init(zip(values, others).filter { $0.1 > 0 }.map { $0.0 / $0.1 })
  }
}
