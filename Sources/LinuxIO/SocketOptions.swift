/// What a connection is to have that is not the kernel's default; 0 leaves it alone.
package struct SocketOptions: Equatable, Sendable {
  /// SO_RCVBUF and SO_SNDBUF in bytes, as far as the kernel's limits let it.
  package var bufferByteCount: Int32 = 0
  /// IP_TOS, or IPV6_TCLASS where the connection is IPv6.
  package var typeOfService: UInt8 = 0

  package init() {}
}
