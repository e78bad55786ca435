import Glibc
import SystemPackage

/// How the daemon tells the command that started it that the mount is usable, or why it is not.
///
/// In the foreground nobody waits and every call does nothing.
struct ReadySignal: Sendable {
  /// The write end of the pipe; nil in the foreground.
  private let descriptor: FileDescriptor?

  static let nobody = ReadySignal(descriptor: nil)

  private init(descriptor: FileDescriptor?) { self.descriptor = descriptor }

  /// The end that was handed down as `--ready-descriptor`.
  init(inherited number: Int32) throws(CommandFailure) {
    let descriptor = FileDescriptor(rawValue: number)
    guard number > 2, let status = try? Stat(descriptor), status.type == .fifo else {
      throw CommandFailure(.usage, "--ready-descriptor is for iscsifs itself")
    }
    self.descriptor = descriptor
  }

  /// Says that the mount is usable, and lets go of the terminal. Call it once.
  func announce() throws(Errno) {
    guard let descriptor else { return }
    do {
      let null = try FileDescriptor.open(FilePath("/dev/null"), .readWrite, options: .closeOnExec)
      _ = try null.duplicate(as: .standardOutput)
      _ = try null.duplicate(as: .standardError)
      try null.close()
      _ = try? descriptor.writeAll(ReadyMessage.ready.line.utf8)
      try descriptor.close()
    } catch { throw error as? Errno ?? .ioError }
  }

  /// Says why the mount did not come to be.
  func report(_ failure: CommandFailure) {
    _ = try? descriptor?.writeAll(ReadyMessage.failed(failure).line.utf8)
  }

  /// True when nobody waits for this process.
  var isForeground: Bool { descriptor == nil }
}
