import CLinux
import Glibc
package import SystemPackage

/// A connected TCP socket for the control plane: every call blocks, up to its deadline.
///
/// The descriptor itself is non-blocking, so that `release` hands the reactor what it needs.
/// Errors are the socket's own; a deadline that passes is ETIMEDOUT, a cancelled wait ECANCELED.
package struct StreamSocket: ~Copyable, Sendable {
  private let descriptor: OwnedDescriptor
  private let cancellation: CancellationSignal?

  /// Takes over a connected stream socket and makes it non-blocking.
  package init(
    adopting descriptor: consuming OwnedDescriptor, cancellation: CancellationSignal? = nil
  ) throws(Errno) {
    try descriptor.setNonBlocking()
    self.descriptor = descriptor
    self.cancellation = cancellation
  }

  /// Connects to `address`, without Nagle's delay.
  ///
  /// TCP's urgent data are bytes like others (RFC 6093, 4): kept apart, one would be missing from
  /// the stream.
  /// The corresponding C functions are `socket`, `connect` and `setsockopt(TCP_NODELAY)`.
  package init(
    connectingTo address: SocketAddress, with options: SocketOptions = SocketOptions(),
    deadline: MonotonicTime,
    cancellation: CancellationSignal? = nil
  ) throws(Errno) {
    let descriptor = OwnedDescriptor(
      owning: try Errno.check(clinux_stream_socket(address.family)))
    _ = try Errno.check(clinux_set_urgent_inline(descriptor.rawValue))
    if options.bufferByteCount > 0 {
      _ = try Errno.check(clinux_set_buffers(descriptor.rawValue, options.bufferByteCount))
    }
    if options.typeOfService > 0 {
      _ = try Errno.check(
        clinux_set_type_of_service(
          descriptor.rawValue, address.family, CInt(options.typeOfService)))
    }
    // SAFETY: the array holds a whole sockaddr of its own length.
    let result = unsafe address.bytes.withUnsafeBytes { bytes -> CInt in
      guard let start = bytes.baseAddress else { return -EINVAL }
      return unsafe clinux_connect(
        descriptor.rawValue, start.assumingMemoryBound(to: sockaddr.self), UInt32(bytes.count))
    }
    // An interrupted connect goes on by itself, like one in progress.
    if result == -EINPROGRESS || result == -EINTR {
      try descriptor.awaitReadiness(.writable, deadline: deadline, cancellation: cancellation)
      _ = try Errno.check(clinux_socket_error(descriptor.rawValue))
    } else {
      _ = try Errno.check(result)
    }
    _ = try Errno.check(clinux_set_no_delay(descriptor.rawValue))
    self.descriptor = descriptor
    self.cancellation = cancellation
  }

  /// What has arrived, at least one byte and at most `maximumCount`; empty when the peer closed.
  ///
  /// The corresponding C function is `recv`.
  package borrowing func receive(
    maximumCount: Int, deadline: MonotonicTime
  ) throws(Errno) -> [UInt8] {
    while true {
      var failure: Errno?
      let number = descriptor.rawValue
      // SAFETY: the kernel stores at most `count` bytes and says how many.
      let bytes = unsafe [UInt8](unsafeUninitializedCapacity: maximumCount) { buffer, count in
        let result = unsafe clinux_recv(number, buffer.baseAddress, buffer.count)
        count = max(0, Int(result))
        if result < 0 { failure = Errno(rawValue: CInt(-result)) }
      }
      guard let failure else { return bytes }
      guard failure == .wouldBlock || failure == .resourceTemporarilyUnavailable else {
        throw failure
      }
      try descriptor.awaitReadiness(.readable, deadline: deadline, cancellation: cancellation)
    }
  }

  /// Sends every byte of `bytes`.
  ///
  /// The corresponding C function is `sendmsg(MSG_NOSIGNAL)`.
  package borrowing func sendAll(_ bytes: [UInt8], deadline: MonotonicTime) throws(Errno) {
    var sent = 0
    while sent < bytes.count {
      let number = descriptor.rawValue
      // SAFETY: the vector points into the borrowed array for this call only.
      let result = unsafe bytes.withUnsafeBytes { buffer in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[sent...])
        var vector = unsafe iovec(
          iov_base: UnsafeMutableRawPointer(mutating: rest.baseAddress), iov_len: rest.count)
        return unsafe clinux_sendmsg(number, &vector, 1)
      }
      if result >= 0 {
        sent += Int(result)
        continue
      }
      guard result == -Int64(EAGAIN) else { throw Errno(rawValue: CInt(-result)) }
      try descriptor.awaitReadiness(.writable, deadline: deadline, cancellation: cancellation)
    }
  }

  /// Tells the peer that nothing more will be sent; receiving goes on.
  ///
  /// The corresponding C function is `shutdown(SHUT_WR)`.
  package borrowing func finishSending() throws(Errno) {
    _ = try Errno.check(clinux_shutdown_write(descriptor.rawValue))
  }

  /// Our end's address.
  package borrowing func localName() throws(Errno) -> (host: String, port: UInt16) {
    try name(isRemote: false)
  }

  /// The peer's address.
  package borrowing func remoteName() throws(Errno) -> (host: String, port: UInt16) {
    try name(isRemote: true)
  }

  /// Gives the descriptor to its next owner.
  package consuming func release() -> OwnedDescriptor {
    descriptor
  }

  private borrowing func name(isRemote: Bool) throws(Errno) -> (host: String, port: UInt16) {
    let number = descriptor.rawValue
    // SAFETY: the shim fills what `name` gives it.
    return unsafe try SocketAddress.name { text, capacity, port in
      unsafe clinux_name_of_end(number, isRemote ? 1 : 0, text, capacity, port)
    }
  }
}
