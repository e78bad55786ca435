import CLinux
import FUSE
import Glibc
import LinuxIO
import SystemPackage

@testable import ControlPlane
@testable import Tree

/// A mount of a fake source in a directory of its own.
///
/// The order is the program's: queue, tree, session, cold server, reader; and back.
final class TestMount: Sendable {
  /// What a mount needs is there.
  static var isPossible: Bool {
    // SAFETY: paths are literals for the calls.
    unsafe access("/dev/fuse", R_OK | W_OK) == 0
      && (geteuid() == 0 || access("/usr/bin/fusermount3", X_OK) == 0)
  }

  let path: String
  let source: FakeSource
  let tree: Tree
  private let session: FileSystemSession
  private let server: ColdServer
  private let pump: PosixThread

  init() throws {
    var template = [CChar]("/tmp/iscsifs-tests-XXXXXX".utf8CString)
    // SAFETY: mkdtemp writes six characters inside the array.
    guard unsafe mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    source = FakeSource(Fixtures.initiator([try Fixtures.target()]))
    let notifier = try KernelNotifier()
    tree = Tree(
      source: source,
      options: TreeOptions(
        userID: geteuid(), groupID: getegid(), version: "iscsifs 0.1", startSeconds: 0),
      notifier: notifier)
    let queue = try ColdQueue()
    session = try FileSystemSession(
      MountOptions(mountPoint: path, source: "test"), operations: tree, notifier: notifier)
    let requests = try session.requestDescriptor()
    server = try ColdServer(session: session, queue: queue)
    let number = requests.take()
    pump = PosixThread(name: "test-pump") { Self.readRequests(from: number, into: queue) }
  }

  /// Unmounts, waits for the pump and removes the directory.
  func end() {
    session.unmount()
    pump.join()
    server.shutDown()
    // SAFETY: the path is a C string for the call.
    _ = unsafe rmdir(path)
  }

  /// Runs a shell command in the mount point; its output and errors together, and its status.
  func shell(_ command: String) async -> (text: String, status: CInt) {
    let path = path
    return await withCheckedContinuation { continuation in
      // A thread, so that no task's thread waits for what tasks have to answer.
      PosixThread(name: "test-shell") {
        continuation.resume(returning: Self.run("cd \(path) && { \(command)\n} 2>&1"))
      }.detach()
    }
  }

  private static func run(_ command: String) -> (text: String, status: CInt) {
    // SAFETY: the stream is ours until pclose; reads stay inside the buffer.
    guard let stream = unsafe popen("LC_ALL=C; export LC_ALL; ( \(command) ) 2>&1", "r") else {
      return ("popen failed", -1)
    }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = unsafe fread(&buffer, 1, buffer.count, stream)
      if count == 0 { break }
      bytes.append(contentsOf: buffer.prefix(count))
    }
    let status = unsafe pclose(stream)
    return (String(decoding: bytes, as: UTF8.self), status)
  }

  private static func readRequests(from number: CInt, into queue: ColdQueue) {
    let descriptor = OwnedDescriptor(owning: number)
    let byteCount = (1 << 20) + 4096
    // SAFETY: the memory is ours until the loop ends; the kernel writes at most its length.
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 4096)
    defer { unsafe buffer.deallocate() }
    while true {
      let count = unsafe clinux_read(descriptor.rawValue, buffer.baseAddress, buffer.count)
      switch count {
      case 1...:
        let request = unsafe UnsafeRawBufferPointer(rebasing: buffer.prefix(Int(count)))
        while unsafe !queue.submit(request) { sched_yield() }
      case -Int64(EAGAIN): _ = clinux_poll_one(descriptor.rawValue, 1, -1)
      case -Int64(EINTR), -Int64(ENOENT): continue
      default: return
      }
    }
  }
}
