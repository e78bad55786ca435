import CLinux

/// A moment of the calendar, in nanoseconds since 1970 (UTC), for what people read.
///
/// It may be set back at any time: nothing is measured with it.
/// The corresponding C function is `clock_gettime(CLOCK_REALTIME)`.
package struct WallTime: BitwiseCopyable, Hashable, Sendable, CustomStringConvertible {
  package var nanoseconds: UInt64

  package init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// This moment.
  package static var now: WallTime { WallTime(nanoseconds: clinux_wall_nanoseconds()) }

  /// So much later; at the end of what can be said at most.
  package func advanced(milliseconds: UInt64) -> WallTime {
    let (duration, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    let (sum, carry) = nanoseconds.addingReportingOverflow(duration)
    return WallTime(nanoseconds: overflow || carry ? .max : sum)
  }

  /// So much earlier; 1970 at the earliest.
  package func earlier(milliseconds: UInt64) -> WallTime {
    let (duration, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
    return WallTime(nanoseconds: overflow ? 0 : nanoseconds - min(duration, nanoseconds))
  }

  /// As RFC 3339 has it, in UTC with milliseconds: `2026-11-26T10:15:14.042Z`.
  package var description: String {
    let seconds = nanoseconds / 1_000_000_000
    let (year, month, day) = Self.date(ofDay: seconds / 86_400)
    let time = seconds % 86_400
    let date = [Self.digits(year, 4), Self.digits(month, 2), Self.digits(day, 2)]
    let clock = [time / 3600, time / 60 % 60, time % 60].map { Self.digits($0, 2) }
    let milliseconds = Self.digits(nanoseconds / 1_000_000 % 1000, 3)
    return date.joined(separator: "-") + "T" + clock.joined(separator: ":") + ".\(milliseconds)Z"
  }

  /// The Gregorian date so many days after 1970-01-01.
  ///
  /// Years begin with March here, so that the leap day is the last of a year; 400 of them have
  /// 146,097 days.
  private static func date(ofDay day: UInt64) -> (year: UInt64, month: UInt64, day: UInt64) {
    // From 0000-03-01 to 1970-01-01.
    let days = day + 719_468
    let era = days / 146_097
    let dayOfEra = days % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
    return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }

  private static func digits(_ value: UInt64, _ count: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, count - text.count)) + text
  }
}
