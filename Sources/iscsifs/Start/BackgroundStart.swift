import FoundationEssentials
import Glibc
import SystemPackage

/// Starts the daemon in the background and waits until it is ready.
///
/// The command starts itself again instead of forking: a fork copies one of the Swift runtime's
/// threads and the locks of all.
enum BackgroundStart {
  /// Where the daemon finds the write end of the ready pipe.
  static let readyDescriptor: Int32 = 3
  /// The first login may be tried several times; past this the daemon is told to end.
  static let patienceSeconds = 150

  /// Returns once the mount is usable.
  ///
  /// - Parameter arguments: what follows the command's name.
  static func run(_ command: String, _ arguments: [String]) throws(CommandFailure) {
    let pipe: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
    do { pipe = try FileDescriptor.pipe(options: .closeOnExec) } catch {
      throw CommandFailure(.system, "no pipe to the daemon: \(error)")
    }
    defer { try? pipe.readEnd.close() }
    let child: ChildProcess
    do throws(Errno) {
      child = try ChildProcess.startDetached(
        executable,
        arguments: ["iscsifs", command, "--ready-descriptor", "\(readyDescriptor)"] + arguments,
        handing: pipe.writeEnd, as: readyDescriptor)
    } catch {
      try? pipe.writeEnd.close()
      throw CommandFailure(.system, "the daemon cannot be started: \(error)")
    }
    try? pipe.writeEnd.close()
    let line = firstLine(from: pipe.readEnd)
    switch line.flatMap(ReadyMessage.init(line:)) {
    case .ready?: return
    case .failed(let failure)?: throw failure
    case nil where line == nil:
      child.signal(SIGTERM)
      throw CommandFailure(
        .timedOut, "the mount was not ready within \(patienceSeconds) s; the daemon was stopped")
    case nil:
      throw CommandFailure(
        .software, "the daemon ended (\(child.wait())) before the mount was ready")
    }
  }

  /// This program by its own path, which names the process in ps and top; through the link when
  /// the file has been replaced since.
  private static var executable: String {
    let link = "/proc/self/exe"
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: link)) ?? link
    return FileManager.default.isExecutableFile(atPath: path) ? path : link
  }

  /// What came up to a newline or the end; nil when neither came in time.
  private static func firstLine(from descriptor: FileDescriptor) -> String? {
    let clock = ContinuousClock()
    let deadline = clock.now.advanced(by: .seconds(patienceSeconds))
    var bytes: [UInt8] = []
    while !bytes.contains(UInt8(ascii: "\n")) {
      let left = (deadline - clock.now).components.seconds
      if left <= 0 { return nil }
      var event = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
      // SAFETY: one entry, which outlives the call.
      if unsafe poll(&event, 1, Int32(left) * 1000) <= 0 { continue }
      var chunk = [UInt8](repeating: 0, count: 4096)
      // SAFETY: the buffer is the array's own and is not kept past the call.
      let count = unsafe try? chunk.withUnsafeMutableBytes { unsafe try descriptor.read(into: $0) }
      guard let count, count > 0 else { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
