import CLinux
import Glibc

/// Ends of a TCP connection that is given up: what the kernel holds unsent must not be delivered
/// later, as an orderly close would have it.
extension OwnedDescriptor {
  /// Has a socket end by a reset when it is closed, also with its process; or in order (FIN) again.
  ///
  /// The corresponding C function is `setsockopt(SO_LINGER)` with a time of 0.
  package borrowing func setResetsOnClose(_ resets: Bool) {
    var lingering = linger(l_onoff: resets ? 1 : 0, l_linger: 0)
    // SAFETY: option and length agree.
    _ = unsafe setsockopt(
      rawValue, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
  }

  /// Resets a connected TCP socket and throws away what it has not sent, at once: a close has to
  /// wait for everybody who holds the open file, such as a poll of a ring.
  ///
  /// Other sockets stay as they are.
  /// The corresponding C function is `connect` to an address of AF_UNSPEC.
  package borrowing func reset() {
    var nowhere = sockaddr()
    nowhere.sa_family = sa_family_t(AF_UNSPEC)
    // SAFETY: address and length agree.
    _ = unsafe connect(rawValue, &nowhere, socklen_t(MemoryLayout<sockaddr>.size))
  }
}
