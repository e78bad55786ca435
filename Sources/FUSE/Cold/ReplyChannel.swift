import CFUSE3
import CLinux
import Glibc
package import LinuxIO
package import SystemPackage

/// The way back to the kernel: our own descriptor of /dev/fuse.
///
/// It stays open as long as anyone may answer, so a late reply meets ENODEV and never a descriptor
/// that has become something else. Any thread may write: the kernel takes each reply whole.
package final class ReplyChannel: Sendable {
  private let descriptor: OwnedDescriptor
  /// Where replies go whose requests came through a ring.
  private let ring: RingExchange?

  package init(_ descriptor: consuming OwnedDescriptor, ring: RingExchange? = nil) {
    self.descriptor = descriptor
    self.ring = ring
  }

  /// Writes one reply.
  package func send(_ bytes: [UInt8]) throws(Errno) {
    // SAFETY: the array's bytes are only read, during the call.
    let result = unsafe bytes.withUnsafeBytes { bytes in
      var piece = unsafe iovec(
        iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
      return unsafe send(&piece, count: 1)
    }
    _ = try Errno.check(result)
  }

  /// Writes one reply that lies in pieces; returns its length or a negative error number.
  func send(_ pieces: UnsafePointer<iovec>?, count: CInt) -> Int {
    // SAFETY: libfuse's own vectors, valid during the call.
    if let ring, let pieces = unsafe pieces,
      let result = unsafe ring.send(pieces, count: Int(count))
    {
      return result
    }
    return Int(unsafe clinux_writev(descriptor.rawValue, pieces, count))
  }

  /// A second descriptor of the same device, non-blocking, for who reads the requests.
  package func duplicatedForReading() throws(Errno) -> OwnedDescriptor {
    let copy = try descriptor.duplicated()
    try copy.setNonBlocking()
    return copy
  }
}
