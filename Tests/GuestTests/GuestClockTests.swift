import Guest
import Testing

@testable import KernelBenchmark

@Suite("A guest's clocks")
struct GuestClockTests {
  private static let timerList = """
    now at 5394202782 nsecs
      .idle_sleeptime : 1999422868 nsecs
      .iowait_sleeptime: 1000 nsecs
    """
  private static let stat = "cpu  2 0 302 199 7 0 17 0 0 0"

  @Test("tell idle time to the nanosecond where the timer list has it")
  func exact() throws {
    let clock = try GuestClock(parsing: Self.timerList + "\n" + Self.stat)
    #expect(clock.isExact)
    #expect(clock.idle == 1_999_423_868)
    #expect(clock.busy == 5_394_202_782 - 1_999_423_868)
    #expect(clock.daemon == 0)
  }

  @Test("tell it in steps of 10 ms where the timer list has it no more")
  func ticks() throws {
    let clock = try GuestClock(parsing: "now at 5526905227 nsecs\n" + Self.stat)
    #expect(!clock.isExact)
    #expect(clock.idle == 2_060_000_000)
  }

  @Test("add up what the daemon's threads ran")
  func threads() throws {
    let clock = try GuestClock(
      parsing: "\(Self.timerList)\n\(Self.stat)\nthread 100 5 2\nthread 4000000000 1 1")
    #expect(clock.daemon == 4_000_000_100)
  }

  @Test(
    "that make no sense are an error",
    arguments: ["", stat, timerList, "now at 5 nsecs\n" + stat, "now at x nsecs\n" + stat])
  func nonsense(text: String) {
    #expect(throws: GuestError.self) { try GuestClock(parsing: text) }
  }
}
