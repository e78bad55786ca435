import CFUSE3
import CLinux
import Glibc
package import LinuxIO
package import SystemPackage

/// A mounted file system: libfuse's session, our way to the kernel and the thread that notifies it.
///
/// Made in one step and mounted; `process` is for the cold thread only; `unmount` may come from any
/// thread; `destroy` comes last, when the reactor and the cold thread have ended.
@safe
package final class FileSystemSession: @unchecked Sendable {
  /// libfuse guards its session with a lock of its own; `destroy` is ordered after all users.
  private let session: OpaquePointer
  private let dispatcher: ColdDispatcher
  /// Where every reply goes that is not the reactor's own.
  private let channel: ReplyChannel
  private let notifier: KernelNotifier

  /// The directory, as it was given.
  package let mountPoint: String

  /// Mounts, offering a ring where there is one; on return the kernel's first request waits to be
  /// read.
  package init(
    _ options: MountOptions, operations: any FileSystemOperations, notifier: KernelNotifier,
    ring: RingOffer? = nil
  ) throws(MountError) {
    try MountPoint(path: options.mountPoint).check()
    do throws(Errno) {
      dispatcher = try ColdDispatcher(
        operations: operations, cacheMode: options.cacheMode, ring: ring)
    } catch {
      throw .lacking(path: options.mountPoint, error)
    }
    guard let session = unsafe Self.newSession(options, dispatcher) else {
      throw .sessionRefused
    }
    do throws(MountError) {
      channel = try unsafe Self.mount(session, options, ring?.exchange)
    } catch {
      // SAFETY: the session was made above and nobody else knows it.
      unsafe fuse_session_destroy(session)
      unsafe Unmanaged.passUnretained(dispatcher).release()
      throw error
    }
    unsafe self.session = session
    self.notifier = notifier
    mountPoint = options.mountPoint
    dispatcher.channel = channel
    do throws(Errno) {
      try notifier.start { [unowned self] in deliver($0) }
    } catch {
      unmount()
      destroy()
      throw .lacking(path: options.mountPoint, error)
    }
  }

  /// A descriptor of the mounted /dev/fuse for the thread that reads requests, non-blocking.
  package func requestDescriptor() throws(Errno) -> OwnedDescriptor {
    try channel.duplicatedForReading()
  }

  /// Serves one request: starts it, and returns before it is answered.
  func process(_ request: [UInt8]) {
    // SAFETY: of integers every pattern is valid; the span ends with the array's borrow.
    let bytes = unsafe request.span.bytes
    guard let header = RequestHeader(parsing: bytes) else { return }
    if header.opcode == .interrupt {
      guard let interrupt = InterruptRequest(parsing: bytes) else { return }
      return dispatcher.interrupt(unique: interrupt.unique)
    }
    dispatcher.waitForRoom()
    if let open = OpenRequest(parsing: bytes) { return dispatcher.serve(open) }
    if let poll = PollRequest(parsing: bytes) { return dispatcher.serve(poll) }
    if let initial = InitRequest(parsing: bytes) { dispatcher.expect(initial) }
    dispatcher.willDecode(header)
    decode(request)
  }

  /// Gives a request to libfuse, whose callbacks start it.
  private func decode(_ request: [UInt8]) {
    var request = request
    unsafe request.withUnsafeMutableBytes { bytes in
      var buffer = unsafe fuse_buf()
      unsafe buffer.size = bytes.count
      unsafe buffer.mem = bytes.baseAddress
      // SAFETY: libfuse reads the bytes during the call only; callbacks copy what they keep.
      unsafe fuse_session_process_buf(session, &buffer)
    }
  }

  /// Ends the mount, lazily where files are still open: requests go on until those are closed.
  ///
  /// Does nothing when it is unmounted already. Call it once.
  package func unmount() {
    // SAFETY: replies go through our own descriptor, so libfuse may close its own.
    unsafe fuse_session_unmount(session)
  }

  /// Answers what is left, ends the notifying thread and frees the session.
  ///
  /// The cold thread has ended, the mount is gone.
  func destroy() {
    dispatcher.close()
    notifier.stop()
    // SAFETY: every request has been answered or taken away, and both threads have ended.
    unsafe fuse_session_destroy(session)
    unsafe Unmanaged.passUnretained(dispatcher).release()
  }

  /// Lets no further request wait for room: the cold thread is about to be joined.
  func closeDispatcher() {
    dispatcher.close()
  }

  private func deliver(_ notice: KernelNotifier.Notice) {
    // Errors say that the kernel does not know the node or name, or is gone: all is well.
    switch notice {
    case .attributes(let node, let dropsPages):
      // A negative offset leaves the pages; a length of 0 means to the end.
      unsafe fuse_lowlevel_notify_inval_inode(
        session, fuse_ino_t(node.rawValue), dropsPages ? 0 : -1, 0)
    case .name(let name, let parent):
      unsafe fuse_lowlevel_notify_inval_entry(
        session, fuse_ino_t(parent.rawValue), name, name.utf8.count)
    }
  }
}

extension FileSystemSession {
  /// A session that is not mounted yet and keeps the dispatcher alive, nil when refused.
  private static func newSession(
    _ options: MountOptions, _ dispatcher: ColdDispatcher
  ) -> OpaquePointer? {
    // SAFETY: libfuse copies the words and the table; the dispatcher is retained until `destroy`.
    let texts: [String] = ["iscsifs", "-o", options.kernelOptions]
    let words = unsafe texts.map { text -> UnsafeMutablePointer<CChar>? in unsafe strdup(text) }
    defer {
      for index in unsafe words.indices { unsafe free(words[index]) }
    }
    var table = LowLevelOperations.table
    let userData = unsafe Unmanaged.passRetained(dispatcher).toOpaque()
    let session = unsafe words.withUnsafeBufferPointer { words in
      var arguments = unsafe fuse_args(
        argc: CInt(words.count), argv: UnsafeMutablePointer(mutating: words.baseAddress),
        allocated: 0)
      defer { unsafe fuse_opt_free_args(&arguments) }
      return unsafe fuse_session_new(
        &arguments, &table, MemoryLayout<fuse_lowlevel_ops>.size, userData)
    }
    if unsafe session == nil { unsafe Unmanaged.passUnretained(dispatcher).release() }
    return unsafe session
  }

  /// Mounts, and puts our writer before every reply of libfuse.
  private static func mount(
    _ session: OpaquePointer, _ options: MountOptions, _ ring: RingExchange?
  ) throws(MountError) -> ReplyChannel {
    // SAFETY: the session is alive; the path is a C string for the call.
    guard unsafe fuse_session_mount(session, options.mountPoint) == 0 else {
      throw .kernelRefused(path: options.mountPoint, Errno(rawValue: errno == 0 ? EPERM : errno))
    }
    let number = unsafe fuse_session_fd(session)
    do throws(Errno) {
      let copy = try Errno.check(clinux_duplicate(number))
      let channel = ReplyChannel(OwnedDescriptor(owning: copy), ring: ring)
      // libfuse wants a reader too; nobody calls it, as requests are given to `process`.
      var writer = unsafe fuse_custom_io(
        writev: { _, pieces, count, userData in
          unsafe FileSystemSession.write(pieces, count, userData)
        },
        read: { _, _, _, _ in 0 }, splice_receive: nil, splice_send: nil)
      let result = unsafe fuse_session_custom_io(session, &writer, number)
      _ = try Errno.check(result)
      return channel
    } catch {
      unsafe fuse_session_unmount(session)
      throw .lacking(path: options.mountPoint, error)
    }
  }

  /// Writes a reply of libfuse, INIT's answer with ours in its place.
  ///
  /// Whatever goes wrong looks to libfuse like an interrupted request (ENOENT): then it says
  /// nothing on standard error, and the caller of the reply undoes what it carried.
  private static func write(
    _ pieces: UnsafeMutablePointer<iovec>?, _ count: CInt, _ userData: UnsafeMutableRawPointer?
  ) -> Int {
    guard let pieces = unsafe pieces, let userData = unsafe userData else { return -1 }
    // SAFETY: the user data is the dispatcher, retained by the session; the vectors are libfuse's.
    let dispatcher = unsafe Unmanaged<ColdDispatcher>.fromOpaque(userData).takeUnretainedValue()
    var result = -1
    if let channel = dispatcher.channel {
      if dispatcher.awaitsInitAnswer {
        result = unsafe writeInitAnswer(pieces, count, dispatcher, channel)
      } else {
        result = unsafe channel.send(pieces, count: count)
      }
    }
    guard result < 0 else { return result }
    errno = ENOENT
    return -1
  }

  private static func writeInitAnswer(
    _ pieces: UnsafeMutablePointer<iovec>, _ count: CInt, _ dispatcher: ColdDispatcher,
    _ channel: ReplyChannel
  ) -> Int {
    var reply: [UInt8] = []
    // SAFETY: as many vectors as libfuse says, each with its own bytes.
    for index in 0..<Int(count) {
      let piece = unsafe pieces[index]
      unsafe reply.append(
        contentsOf: UnsafeRawBufferPointer(start: piece.iov_base, count: piece.iov_len))
    }
    do {
      let answer = dispatcher.initAnswer(replacing: reply)
      try channel.send(answer?.bytes ?? reply)
      if answer?.promisesRing == true { dispatcher.registerRing() }
      return reply.count
    } catch {
      return -1
    }
  }
}
