import LinuxIO
import Testing

@Suite("The calendar's time")
struct WallTimeTests {
  /// Oracle: GNU date, `date -u -d @SECONDS +%FT%TZ`.
  @Test(
    "is written as RFC 3339 has it",
    arguments: [
      (0, "1970-01-01T00:00:00"), (951_827_696, "2000-02-29T12:34:56"),
      (1_000_000_000, "2001-09-09T01:46:40"), (1_709_164_800, "2024-02-29T00:00:00"),
      (4_107_542_399, "2100-02-28T23:59:59"), (4_107_542_400, "2100-03-01T00:00:00"),
      (1_764_152_114, "2025-11-26T10:15:14"),
    ] as [(UInt64, String)])
  func text(seconds: UInt64, text: String) {
    let time = WallTime(nanoseconds: seconds * 1_000_000_000 + 42_999_999)
    #expect(time.description == text + ".042Z")
  }

  @Test("goes back to 1970 at the earliest")
  func earlier() {
    let time = WallTime(nanoseconds: 5_000_000_000)
    #expect(time.earlier(milliseconds: 1_500).nanoseconds == 3_500_000_000)
    #expect(time.earlier(milliseconds: 5_001).nanoseconds == 0)
    #expect(time.earlier(milliseconds: .max).nanoseconds == 0)
  }

  @Test("is later than this line was written")
  func now() {
    #expect(WallTime.now.nanoseconds > 1_764_000_000_000_000_000)
  }
}
