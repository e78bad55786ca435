import LinuxIO
import SystemPackage

/// The loop: wait, take, decide, send.
extension Reactor {
  /// Serves until stopped, once it watches; an unmount is only told.
  mutating func run() {
    now = MonotonicTime.now.nanoseconds
    while isRunning {
      // Late by what the last turn took, and one look at the clock less.
      turn(timeoutMilliseconds: timeout(at: MonotonicTime(nanoseconds: now)))
    }
    end()
  }

  /// Watches what is there from the start.
  func watch() throws(Errno) {
    if fuseNumber >= 0, lane == 0 { try poll.add(fuseNumber, .readable, token: Token.fuse) }
    try poll.add(door.wakeup.descriptor.rawValue, .readable, token: Token.wakeup)
  }

  /// One turn, waiting at most so long for something to do (-1: until there is).
  mutating func turn(timeoutMilliseconds: CInt) {
    if usesRing { return turnByRing(timeoutMilliseconds: timeoutMilliseconds) }
    let count = poll.wait(timeoutMilliseconds: timeoutMilliseconds)
    turn(eventCount: count, at: MonotonicTime.now.nanoseconds)
  }

  /// What a turn does once its wait has found `eventCount` events and ended at `moment`.
  mutating func turn(eventCount: Int, at moment: UInt64) {
    now = moment
    if connectionsToReceive != 0 { receiveLeftovers() }
    dispatch(eventCount)
    finishTurn()
  }

  /// Serves what the wait of the epoll set has found: the kernel last, so that what the answers to
  /// some callers let them ask next leaves with the same turn.
  mutating func dispatch(_ eventCount: Int) {
    var kernel: EventPoll.Interest?
    for position in 0..<eventCount {
      let event = poll.event(at: position)
      switch event.token {
      case Token.fuse: kernel = event.interest
      case Token.wakeup:
        // Cleared here alone: whoever clears it looks at all it may stand for.
        door.wakeup.clear()
        looksAtHeld = true
        takeCommands()
        takeColdReplies()
        takeForwarded()
      default: serve(connection: Int(event.token - Token.firstConnection), event.interest)
      }
    }
    if let kernel { serveKernel(kernel) }
  }

  /// What follows when everything that was ready has been taken.
  mutating func finishTurn() {
    if now >= nextTick { tick() }
    if unitToFlush != nil { flushUnasked() }
    pump()
    if isFUSEPaused { resumeKernel() }
    if rewritesWaiting > 0 { beginQuietRewrites() }
    if !waitingEntries.isEmpty { takeWaitingEntries() }
    if !commits.isEmpty, usesRing { submitCommits() }
  }

  /// Sends what this turn made ready.
  mutating func pump() {
    while connectionsToPump != 0 {
      let index = connectionsToPump.trailingZeroBitCount
      connectionsToPump &= connectionsToPump - 1
      pump(connection: index)
    }
  }

  /// How long the next wait may be: until the next moment something is due.
  func timeout(at now: MonotonicTime) -> CInt {
    if connectionsToPump | connectionsToReceive != 0 { return 0 }
    if stalledCold != nil || waitingEntries.count > heldCount { return 1 }
    guard nextTick != .max else { return -1 }
    let milliseconds = now.milliseconds(until: MonotonicTime(nanoseconds: nextTick))
    return CInt(min(milliseconds, 60_000))
  }

  /// Answers everyone who still waits, at the end of a mount.
  mutating func end() {
    // Sessions first: what is queued or in flight ends with its own.
    for index in 0..<sessions.count where sessions[index].state != .free {
      release(session: index)
    }
    for index in 0..<slots.requestCount where slots[index].stage != .idle {
      finish(index, error: .socketNotConnected)
    }
    if usesRing {
      submitCommits()
      ring.wait(timeoutMilliseconds: 0)
    }
    port.close(lane: lane)
  }
}
