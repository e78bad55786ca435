import CLinux
import Glibc

/// A connected socket whose calls never wait: who waits for many of them uses `PollEntry`.
///
/// It is closed when its last owner lets go of it. Unlike `StreamSocket` it says no errno: a peer
/// that has gone is gone, whatever the reason.
package final class NonblockingSocket: Sendable {
  /// What a transfer came to.
  package enum Outcome: Equatable, Sendable {
    case moved(Int)
    case wouldBlock
    /// End of stream or an error: nothing more will move.
    case ended
  }

  package let descriptor: OwnedDescriptor

  /// Takes over a connected, non-blocking stream socket.
  package init(_ descriptor: consuming OwnedDescriptor) {
    self.descriptor = descriptor
  }

  /// Reads into `buffer`, whose length does not change.
  ///
  /// The corresponding C function is `recv`.
  package func receive(into buffer: inout [UInt8]) -> Outcome {
    let number = descriptor.rawValue
    // SAFETY: the kernel writes at most the buffer's own count.
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe clinux_recv(number, $0.baseAddress, $0.count)
    }
    return count == 0 ? .ended : outcome(count)
  }

  /// Writes `bytes` from `offset` on; a broken pipe is no signal.
  ///
  /// - Parameter isUrgent: TCP's urgent pointer goes to the last byte.
  /// The corresponding C function is `send(MSG_NOSIGNAL)`.
  package func send(_ bytes: [UInt8], from offset: Int, isUrgent: Bool = false) -> Outcome {
    let number = descriptor.rawValue
    let urgency = isUrgent ? CInt(MSG_OOB) : 0
    let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT) | urgency
    // SAFETY: the kernel reads the borrowed array's bytes in this call only.
    let count = unsafe bytes[offset...].withUnsafeBytes { buffer in
      unsafe Glibc.send(number, buffer.baseAddress, buffer.count, flags)
    }
    return outcome(count >= 0 ? Int64(count) : -Int64(errno))
  }

  /// Says that nothing more will be sent (FIN); reading goes on.
  ///
  /// The corresponding C function is `shutdown(SHUT_WR)`.
  package func finishSending() {
    _ = clinux_shutdown_write(descriptor.rawValue)
  }

  /// Makes the coming close a reset.
  ///
  /// The corresponding C function is `setsockopt(SO_LINGER)` with a time of 0.
  package func resetOnClose() { descriptor.setResetsOnClose(true) }

  private func outcome(_ count: Int64) -> Outcome {
    if count >= 0 { return .moved(Int(count)) }
    return count == -Int64(EAGAIN) || count == -Int64(EINTR) ? .wouldBlock : .ended
  }
}
