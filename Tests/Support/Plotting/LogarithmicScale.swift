import Glibc

/// Places on an axis where twice as much is always as far.
package struct LogarithmicScale {
  /// What stands at the axis's marks.
  package let ticks: [Double]
  private let start: Double
  private let length: Double

  /// An axis from `start` that holds `values`; its ends are powers of `base`.
  package init(holding values: [Double], base: Double, from start: Double, length: Double) {
    let exponents = values.filter { $0 > 0 && $0.isFinite }.map { log($0) / log(base) }
    let low = (exponents.min() ?? 0).rounded(.down)
    let high = max((exponents.max() ?? 1).rounded(.up), low + 1)
    ticks = stride(from: low, through: high, by: 1).map { pow(base, $0) }
    self.start = start
    self.length = length
  }

  package func position(_ value: Double) -> Double {
    guard let first = ticks.first, let last = ticks.last, value > 0 else { return start }
    return start + length * log(value / first) / log(last / first)
  }
}
