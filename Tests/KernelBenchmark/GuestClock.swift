import Guest

/// What the guest's clocks said at one moment, in nanoseconds, which are instructions.
///
/// With `-icount shift=0` an instruction takes a nanosecond of the guest's time, and while its one
/// processor idles that time is real: time that was not idle counts instructions.
struct GuestClock: Equatable, Sendable {
  /// Since the guest's start.
  let now: UInt64
  /// Of it, without a task to run or an interrupt to serve.
  let idle: UInt64
  /// What the initiator's own threads ran, kernel and user together.
  let daemon: UInt64
  /// Whether `idle` is told to the nanosecond; else it comes in steps of 10 ms.
  let isExact: Bool

  var busy: UInt64 { now - idle }

  /// The shell function that prints what `init(parsing:)` reads, for the process `$1`.
  static let script = """
    clocks() {
      grep -E '^now at|idle_sleeptime|iowait_sleeptime' /proc/timer_list
      grep '^cpu ' /proc/stat
      for thread in /proc/$1/task/*; do
        [ -e $thread ] && echo "thread $(cat $thread/schedstat)"
      done
    }
    """

  init(now: UInt64, idle: UInt64, daemon: UInt64, isExact: Bool) {
    self.now = now
    self.idle = idle
    self.daemon = daemon
    self.isExact = isExact
  }

  /// Reads lines of `/proc/timer_list`, `/proc/stat` and the threads' `schedstat`.
  ///
  /// Linux 7 tells idle time only in `/proc/stat`, older ones to the nanosecond in the timer list.
  init(parsing text: String) throws(GuestError) {
    var now: UInt64?
    var sleeps: [UInt64] = []
    var ticks: UInt64?
    var daemon: UInt64 = 0
    for line in text.split(separator: "\n") {
      let words = line.split { $0 == " " || $0 == "\t" }
      if line.hasPrefix("now at "), words.count == 4 {
        now = UInt64(words[2])
      } else if line.contains("_sleeptime"),
        let value = words.dropLast().last.flatMap({ UInt64($0) })
      {
        sleeps.append(value)
      } else if words.first == "cpu", words.count > 5, let idle = UInt64(words[4]),
        let waiting = UInt64(words[5])
      {
        ticks = idle + waiting
      } else if words.first == "thread", words.count > 1 {
        daemon += UInt64(words[1]) ?? 0
      }
    }
    guard let now, let ticks else {
      throw .failed("the guest's clocks cannot be read: \(text.prefix(200))")
    }
    let isExact = !sleeps.isEmpty
    let idle = isExact ? sleeps.reduce(0, +) : ticks * 10_000_000
    guard idle <= now else { throw .failed("the guest idled longer than it ran: \(text)") }
    self.init(now: now, idle: idle, daemon: daemon, isExact: isExact)
  }
}
