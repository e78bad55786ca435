import LinuxIO
import SystemPackage

/// The loop: wait, take, decide, send.
extension Reactor {
  /// Serves until stopped or unmounted.
  mutating func run() throws(Errno) {
    try watch()
    while isRunning {
      turn(timeoutMilliseconds: timeout())
    }
    end()
  }

  /// Watches what is there from the start.
  func watch() throws(Errno) {
    if fuseNumber >= 0 { try poll.add(fuseNumber, .readable, token: Token.fuse) }
    try poll.add(port.wakeup.descriptor.rawValue, .readable, token: Token.wakeup)
  }

  /// One turn, waiting at most so long for something to do (-1: until there is).
  mutating func turn(timeoutMilliseconds: CInt) {
    let count = poll.wait(timeoutMilliseconds: timeoutMilliseconds)
    now = MonotonicTime.now.nanoseconds
    for position in 0..<count {
      let event = poll.event(at: position)
      switch event.token {
      case Token.fuse: drainKernel()
      case Token.wakeup: takeCommands()
      default: serve(session: Int(event.token - Token.firstSession), event.interest)
      }
    }
    if now >= nextTick { tick() }
    pump()
    if isFUSEPaused { resumeKernel() }
  }

  /// Sends what this turn made ready.
  mutating func pump() {
    while sessionsToPump != 0 {
      let index = sessionsToPump.trailingZeroBitCount
      sessionsToPump &= sessionsToPump - 1
      pump(session: index)
    }
  }

  /// How long the next wait may be: until the next moment something is due.
  private func timeout() -> CInt {
    if sessionsToPump != 0 { return 0 }
    if stalledColdLength > 0 { return 1 }
    guard nextTick != .max else { return -1 }
    let now = MonotonicTime.now
    let milliseconds = now.milliseconds(until: MonotonicTime(nanoseconds: nextTick))
    return CInt(min(milliseconds, 60_000))
  }

  /// Answers everyone who still waits, at the end of a mount.
  private mutating func end() {
    for index in 0..<slots.count where slots[index].kind != .free {
      finish(index, error: .socketNotConnected)
    }
    for index in 0..<sessions.count where sessions[index].state != .free {
      release(session: index)
    }
    for index in 0..<units.count {
      units[index].withdrawal.take()?.resume()
    }
    takeCommands()
    port.eventContinuation.finish()
  }
}
