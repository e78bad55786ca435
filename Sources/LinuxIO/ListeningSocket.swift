import CLinux
import Glibc
package import SystemPackage

/// A TCP socket on loopback that waits for connections; for targets we play ourselves.
///
/// The corresponding C functions are `socket`, `bind`, `listen`, `getsockname` and `accept4`.
package struct ListeningSocket: ~Copyable, Sendable {
  package let descriptor: OwnedDescriptor
  /// The port listened on.
  package let port: UInt16

  /// Listens on 127.0.0.1 or ::1; port 0 lets the kernel choose.
  ///
  /// - Parameter backlog: connections the kernel completes before they are accepted.
  package init(loopbackPort port: UInt16, isIPv6: Bool, backlog: CInt = 64) throws(Errno) {
    let descriptor = OwnedDescriptor(
      owning: try Errno.check(clinux_stream_socket(isIPv6 ? AF_INET6 : AF_INET)))
    try descriptor.setNonBlocking()
    var isReused: CInt = 1
    // SAFETY: the value has the length that is told.
    _ = unsafe setsockopt(
      descriptor.rawValue, SOL_SOCKET, SO_REUSEADDR, &isReused,
      socklen_t(MemoryLayout<CInt>.size))
    let isBound =
      if isIPv6 {
        Self.bind(descriptor, toIPv6Port: port)
      } else {
        Self.bind(descriptor, toIPv4Port: port)
      }
    guard isBound, listen(descriptor.rawValue, backlog) == 0 else {
      throw Errno(rawValue: errno)
    }
    self.port = try Self.port(of: descriptor)
    self.descriptor = descriptor
  }

  /// The next connection waiting, without Nagle's delay; nil when there is none.
  package borrowing func accept() -> NonblockingSocket? {
    let accepted = clinux_accept(descriptor.rawValue)
    guard accepted >= 0 else { return nil }
    _ = clinux_set_no_delay(accepted)
    return NonblockingSocket(OwnedDescriptor(owning: accepted))
  }

  private static func bind(_ socket: borrowing OwnedDescriptor, toIPv4Port port: UInt16) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let number = socket.rawValue
    // SAFETY: the address outlives the call and its length is its own.
    return unsafe withUnsafeBytes(of: &address) { unsafe bind(number, to: $0) }
  }

  private static func bind(_ socket: borrowing OwnedDescriptor, toIPv6Port port: UInt16) -> Bool {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    address.sin6_addr = in6addr_loopback
    let number = socket.rawValue
    // SAFETY: as above.
    return unsafe withUnsafeBytes(of: &address) { unsafe bind(number, to: $0) }
  }

  private static func bind(_ number: CInt, to address: UnsafeRawBufferPointer) -> Bool {
    guard let start = address.baseAddress else { return false }
    return unsafe Glibc.bind(
      number, start.assumingMemoryBound(to: sockaddr.self), socklen_t(address.count)) == 0
  }

  private static func port(of socket: borrowing OwnedDescriptor) throws(Errno) -> UInt16 {
    let number = socket.rawValue
    // SAFETY: the shim fills what `name` gives it.
    return unsafe try SocketAddress.name { text, capacity, port in
      unsafe clinux_name_of_end(number, 0, text, capacity, port)
    }.port
  }
}
