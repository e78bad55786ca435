import CFUSE3
import LinuxIO
import Synchronization
import SystemPackage

/// Gives each cold request a task of its own and sees that it is answered once.
///
/// Requests begin on the cold thread; answers come from anywhere.
final class ColdDispatcher: Sendable {
  private struct Work: Sendable {
    var request: FuseRequest
    var task: Task<Void, Never>?
    /// Interrupted by a signal that asks for nothing; another may come.
    var isWatched = false
  }

  private struct State: Sendable {
    var works: [UInt64: Work] = [:]
    var channel: ReplyChannel?
    /// Set between the kernel's INIT and libfuse's answer.
    var initRequest: InitRequest?
    /// The request that libfuse decodes just now, on the cold thread.
    var current = (unique: UInt64(0), thread: UInt32(0))
    var earlyInterrupts = EarlyInterrupts()
    var isClosed = false
  }

  let operations: any FileSystemOperations
  private let cacheMode: CacheMode
  private let ring: RingOffer?
  /// Whether the call of a thread that was interrupted should end.
  private let endsCall: @Sendable (UInt32) -> Bool
  private let state = Mutex(State())
  private let room: EventDescriptor

  init(
    operations: any FileSystemOperations, cacheMode: CacheMode, ring: RingOffer? = nil,
    endsCall: @escaping @Sendable (UInt32) -> Bool = PendingSignals.endCall
  ) throws(Errno) {
    self.operations = operations
    self.cacheMode = cacheMode
    self.ring = ring
    self.endsCall = endsCall
    room = try EventDescriptor()
  }

  /// The way to the kernel, once there is a mount.
  var channel: ReplyChannel? {
    get { state.withLock { $0.channel } }
    set { state.withLock { $0.channel = newValue } }
  }

  /// Remembers what the kernel offered, until libfuse's answer passes by.
  func expect(_ request: InitRequest) {
    state.withLock { $0.initRequest = request }
  }

  /// Our answer in place of libfuse's when this reply is INIT's, else nil; and whether the kernel
  /// will look for our rings once it has it.
  func initAnswer(replacing reply: [UInt8]) -> (bytes: [UInt8], promisesRing: Bool)? {
    let request = state.withLock { state in state.initRequest.take() }
    guard let request else { return nil }
    let answer = InitAnswer(
      to: request, cacheMode: cacheMode, offersRing: ring?.exchange.isOffered ?? false)
    var patched = reply
    guard answer.patch(reply: &patched) else { return nil }
    return (patched, answer.flags.contains(.overIOURing))
  }

  /// The kernel has our answer to INIT and holds every request until it has the rings' entries.
  func registerRing() {
    ring?.register()
  }

  var awaitsInitAnswer: Bool { state.withLock { $0.initRequest != nil } }

  /// Notes the request that libfuse is about to decode.
  func willDecode(_ header: RequestHeader) {
    state.withLock { $0.current = (header.unique, header.pid) }
  }

  /// Waits until another task may be started, or the dispatcher is closed.
  func waitForRoom() {
    while true {
      let hasRoom = state.withLock { $0.isClosed || $0.works.count < ColdLimits.tasks }
      if hasRoom { return }
      _ = room.wait(milliseconds: nil)
      room.clear()
    }
  }

  /// Serves the request libfuse has just decoded.
  func serve(
    _ request: fuse_req_t,
    _ body: @escaping @Sendable (FuseRequest, any FileSystemOperations) async throws(Errno) -> Void
  ) {
    let (unique, thread) = state.withLock { $0.current }
    // SAFETY: libfuse keeps the request until it is answered, which the wrapper does once.
    serve(FuseRequest(unique: unique, thread: thread, origin: unsafe .libfuse(request)), body)
  }

  /// Serves an OPEN; one that came too late to be answered is closed again.
  func serve(_ open: OpenRequest) {
    guard let channel else { return }
    serve(FuseRequest(unique: open.unique, thread: open.thread, origin: .raw(channel))) {
      (request, operations) async throws(Errno) in
      let opened = try await operations.open(open.node, flags: open.flags)
      if !request.answer(opened: opened) {
        await operations.release(opened.number, of: open.node)
      }
    }
  }

  /// Serves a POLL; the notice it may ask for comes later and from any thread.
  func serve(_ poll: PollRequest) {
    guard let channel else { return }
    serve(FuseRequest(unique: poll.unique, thread: poll.thread, origin: .raw(channel))) {
      (request, operations) async throws(Errno) in
      let handle = poll.handle
      // The kernel may have closed the file meanwhile, or be gone: then nobody waits.
      let wake: @Sendable () -> Void = { try? channel.send(RawReply.pollNotice(handle: handle)) }
      let events = try await operations.poll(poll.file, wake: poll.wantsNotice ? wake : nil)
      request.answer(events: events)
    }
  }

  private func serve(
    _ request: FuseRequest,
    _ body: @escaping @Sendable (FuseRequest, any FileSystemOperations) async throws(Errno) -> Void
  ) {
    state.withLock { $0.works[request.unique] = Work(request: request, task: nil) }
    // Begun here and now: most requests are answered without ever waiting, and a wake of another
    // thread costs more than they do.
    let task = Task.immediate {
      do throws(Errno) {
        try await body(request, operations)
      } catch {
        request.fail(error)
      }
      end(request)
    }
    let wasInterrupted = state.withLock { state in
      state.works[request.unique]?.task = task
      return state.earlyInterrupts.take(request.unique)
    }
    if wasInterrupted { interrupt(unique: request.unique) }
  }

  private func end(_ request: FuseRequest) {
    state.withLock { state in
      if state.works[request.unique]?.request === request {
        state.works[request.unique] = nil
      }
    }
    room.signal()
  }

  /// Answers EINTR for a caller who wants its call over, and cancels what was done for it.
  ///
  /// One that finds no request came after the answer, or before a request in an entry of a ring.
  /// The kernel tells of a request's first signal only: where that asks for nothing, the caller is
  /// watched.
  func interrupt(unique: UInt64) {
    let work = state.withLock { state -> Work? in
      guard let work = state.works[unique] else {
        state.earlyInterrupts.note(unique)
        return nil
      }
      state.works[unique]?.isWatched = true
      return work.isWatched ? nil : work
    }
    guard let work, !endIfAsked(work) else { return }
    Task {
      repeat {
        do {
          try await Task.sleep(for: .milliseconds(PendingSignals.lookInterval))
        } catch { return }
      } while !work.request.isAnswered && !endIfAsked(work)
    }
  }

  /// True when the work was ended.
  private func endIfAsked(_ work: Work) -> Bool {
    guard endsCall(work.request.thread) else { return false }
    work.request.fail(.interrupted)
    work.task?.cancel()
    return true
  }

  /// Answers everything left and takes nothing more: afterwards nobody is inside libfuse.
  func close() {
    let works = state.withLock { state in
      state.isClosed = true
      return state.works.values.map { $0 }
    }
    for work in works {
      work.request.fail(.operationNotSupportedByDevice)  // ENODEV
      work.task?.cancel()
    }
    room.signal()
  }
}
