import Glibc
import LinuxIO
import SystemPackage
import Testing

@Suite("The signals that wait for a thread")
struct PendingSignalsTests {
  /// As the kernel writes it (Linux 6.18), shortened.
  private func status(own: String, shared: String, blocked: String) -> [UInt8] {
    Array(
      """
      Name:\tdd
      Groups:\t0 4 24 27\u{20}
      Threads:\t1
      SigQ:\t0/95894
      SigPnd:\t\(own)
      ShdPnd:\t\(shared)
      SigBlk:\t\(blocked)
      SigIgn:\t0000000000001000
      SigCgt:\t0000000000010002

      """.utf8)
  }

  @Test(
    "end its call where they ask for it, not where they tell something",
    arguments: [
      ("0", "0", "0", false),
      // SIGKILL, as every thread of a process to be ended has it.
      ("100", "0", "0", true), ("100", "0", "10000", true),
      // SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM of the process.
      ("0", "1", "0", true), ("0", "2", "0", true), ("0", "4", "0", true),
      ("0", "2000", "0", true), ("0", "4000", "0", true),
      // SIGINT, blocked; SIGTERM, not.
      ("0", "2", "2", false), ("0", "4002", "2", true),
      // SIGCHLD, SIGCONT, SIGTSTP, SIGURG, SIGVTALRM, SIGPROF, SIGWINCH, SIGIO; SIGRTMIN, SIGRTMAX.
      ("0", "10000", "0", false), ("20000", "0", "0", false), ("0", "80000", "0", false),
      ("400000", "0", "0", false), ("2000000", "0", "0", false), ("4000000", "0", "0", false),
      ("0", "8000000", "0", false), ("0", "10000000", "0", false), ("200000000", "0", "0", false),
      // The two below SIGRTMIN are the C library's.
      ("80000000", "0", "0", true), ("100000000", "0", "0", true),
      ("8000000000000000", "0", "0", false), ("0", "12000", "0", true),
    ])
  func asks(own: String, shared: String, blocked: String, ends: Bool) throws {
    let signals = try #require(
      PendingSignals(parsing: status(own: own, shared: shared, blocked: blocked)))
    #expect(signals.endsCall == ends)
  }

  @Test("are not known from a text that is cut off or has no numbers")
  func unreadable() {
    let whole = status(own: "0", shared: "0", blocked: "0")
    #expect(PendingSignals(parsing: whole) != nil)
    #expect(PendingSignals(parsing: Array(whole.prefix(80))) == nil)
    #expect(PendingSignals(parsing: status(own: "x", shared: "0", blocked: "0")) == nil)
    #expect(PendingSignals(parsing: []) == nil)
  }

  /// PF_EXITING is 0x4, PF_SIGNALED 0x400 (include/linux/sched.h); the line is one of a process in
  /// exit_aio after SIGKILL, shortened.
  @Test("A process on its way out for a signal is told from one that ends by itself, or goes on")
  func ending() {
    func isEnding(_ name: String, _ flags: Int) -> Bool {
      PendingSignals.isEnding(
        parsing: [UInt8]("31360 (\(name)) D 31301 31301 31194 0 -1 \(flags) 137 0 0".utf8))
    }
    #expect(isEnding("aio", 4_195_340) && isEnding("a) 1 (b", 0x40_0404))
    #expect(!isEnding("aio", 4_194_304) && !isEnding("aio", 0x40_0004))
    #expect(!isEnding("aio", 0x40_0400))
    for text in ["", "31360 (aio", "31360 (aio) D 1 2", "1 (a) D 1 2 3 4 5 x 7"] {
      #expect(!PendingSignals.isEnding(parsing: [UInt8](text.utf8)))
    }
  }

  @Test("are those of this thread that the kernel tells, but for the blocked")
  func ofThread() throws {
    var set = sigset_t()
    var before = sigset_t()
    unsafe sigemptyset(&set)
    unsafe sigaddset(&set, SIGUSR2)
    unsafe pthread_sigmask(SIG_BLOCK, &set, &before)
    pthread_kill(pthread_self(), SIGUSR2)
    // The thread's number is the first word of its stat (proc(5)).
    let stat = try unsafe FileDescriptor.open("/proc/thread-self/stat", .readOnly)
    var text = [UInt8](repeating: 0, count: 32)
    _ = try unsafe text.withUnsafeMutableBytes { try unsafe stat.read(into: $0) }
    try stat.close()
    let word = String(decoding: text.prefix { $0 != UInt8(ascii: " ") }, as: UTF8.self)
    let thread = try #require(UInt32(word))
    #expect(PendingSignals(ofThread: thread)?.pending == 0)
    #expect(!PendingSignals.endCall(ofThread: thread))
    var taken: Int32 = 0
    unsafe sigwait(&set, &taken)
    unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    #expect(taken == SIGUSR2)
  }

  @Test("of a thread nobody knows end its call", arguments: [0, 4_194_304, UInt32.max])
  func unknown(thread: UInt32) {
    #expect(PendingSignals.endCall(ofThread: thread))
  }
}
