import Glibc
import Lab

/// A name server that hears every question and answers none; closed at the lab's end.
final class SilentNameServer: Resource {
  let host = "127.0.0.53"
  private let number: CInt

  init(_ lab: Lab) throws {
    number = socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(53).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0035).bigEndian
    // SAFETY: the address is a local of the length given.
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(number, address, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard number >= 0, result == 0 else {
      throw ManagedProcess.Failure(description: "\(host):53 cannot be bound: errno \(errno)")
    }
    lab.own(self)
  }

  func end() async { close(number) }
}
