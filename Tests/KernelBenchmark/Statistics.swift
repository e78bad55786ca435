/// What several rounds of one figure say.
struct Statistics: Codable, Equatable, Sendable {
  let median: Double
  let minimum: Double
  let maximum: Double

  /// Nil of nothing.
  init?(_ values: [Double]) {
    let sorted = values.sorted()
    guard let first = sorted.first, let last = sorted.last else { return nil }
    minimum = first
    maximum = last
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// Half of the distance from the smallest to the largest, in parts of the median.
  var spread: Double { median == 0 ? 0 : (maximum - minimum) / 2 / median }
}
