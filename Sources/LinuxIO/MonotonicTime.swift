import CLinux

/// A moment of the monotonic clock, in nanoseconds since an unspecified start.
///
/// Pure modules are given one; only `now` asks the kernel.
/// The corresponding C function is `clock_gettime(CLOCK_MONOTONIC)`.
package struct MonotonicTime: BitwiseCopyable, Comparable, Hashable, Sendable {
  package var nanoseconds: UInt64

  package init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// This moment.
  package static var now: MonotonicTime {
    MonotonicTime(nanoseconds: clinux_monotonic_nanoseconds())
  }

  /// A moment no clock reaches.
  package static let distantFuture = MonotonicTime(nanoseconds: .max)

  package static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
    left.nanoseconds < right.nanoseconds
  }

  /// This moment and `milliseconds` more, at most `distantFuture`.
  package func advanced(milliseconds: UInt64) -> MonotonicTime {
    let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, carried) = nanoseconds.addingReportingOverflow(product)
    return overflow || carried ? .distantFuture : MonotonicTime(nanoseconds: sum)
  }

  /// Whole milliseconds until `later`, rounded up; 0 when it has passed.
  package func milliseconds(until later: MonotonicTime) -> UInt64 {
    guard later > self else { return 0 }
    let difference = later.nanoseconds - nanoseconds
    return difference / 1_000_000 + (difference % 1_000_000 == 0 ? 0 : 1)
  }
}
