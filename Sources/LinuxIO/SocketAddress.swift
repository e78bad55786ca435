import CLinux
import Glibc
import SystemPackage

/// A numeric IPv4 or IPv6 address with a TCP port.
///
/// It holds the bytes the kernel takes, and the text people read.
/// The corresponding C type is `struct sockaddr_storage`.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
  /// The address without brackets and port, as `inet_ntop` writes it.
  package let host: String
  package let port: UInt16

  /// AF_INET or AF_INET6.
  let family: CInt
  /// The `sockaddr` as the kernel reads it.
  let bytes: [UInt8]

  /// Copies `length` bytes of a socket address; throws for families that are not IP.
  init(copying address: UnsafePointer<sockaddr>, length: Int) throws(Errno) {
    // SAFETY: the caller's address has `length` bytes.
    bytes = unsafe Array(UnsafeRawBufferPointer(start: address, count: length))
    family = unsafe CInt(address.pointee.sa_family)
    (host, port) = unsafe try Self.name { text, capacity, port in
      unsafe clinux_name_of_address(address, text, capacity, port)
    }
  }

  /// `127.0.0.1:3260` or `[::1]:3260`.
  package var description: String {
    family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
  }

  /// The text and port a C shim stores.
  static func name(
    _ call: (UnsafeMutablePointer<CChar>, Int, UnsafeMutablePointer<UInt16>) -> CInt
  ) throws(Errno) -> (host: String, port: UInt16) {
    let capacity = 64  // INET6_ADDRSTRLEN is 46.
    var port: UInt16 = 0
    var result: CInt = 0
    // SAFETY: the shim stores at most `capacity` bytes and ends them with NUL.
    let host = unsafe String(unsafeUninitializedCapacity: capacity) { text in
      unsafe text.withMemoryRebound(to: CChar.self) { characters in
        guard let start = characters.baseAddress else { return 0 }
        result = unsafe call(start, capacity, &port)
        guard result == 0 else { return 0 }
        return unsafe characters.firstIndex(of: 0) ?? 0
      }
    }
    _ = try Errno.check(result)
    return (host, port)
  }
}
