import CLinux
import Glibc
import LinuxIO
import SystemPackage

@testable import FUSE

/// A pipe in place of /dev/fuse: what is answered can be read.
final class ReplyPipe: Sendable {
  let channel: ReplyChannel
  private let reading: OwnedDescriptor

  init() throws(Errno) {
    var ends: [CInt] = [0, 0]
    // SAFETY: room for two descriptors.
    guard unsafe pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
    reading = OwnedDescriptor(owning: ends[0])
    channel = ReplyChannel(OwnedDescriptor(owning: ends[1]))
    try reading.setNonBlocking()
  }

  /// Waits for an answer, which the tasks it depends on may take long to make on a busy machine.
  func waitForReply() async throws {
    while clinux_poll_one(reading.rawValue, Int16(POLLIN), 0) == 0 {
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  /// What has been answered, empty when nothing has.
  func replies() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 4096)
    // SAFETY: at most as many bytes as the buffer has.
    let count = unsafe read(reading.rawValue, &buffer, buffer.count)
    return count > 0 ? [UInt8](buffer.prefix(count)) : []
  }
}
