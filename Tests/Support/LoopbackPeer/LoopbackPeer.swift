import CLinux
import Glibc
package import LinuxIO
import Synchronization
package import SystemPackage

/// A TCP listener on 127.0.0.1 that treats each connection as a test tells it to.
///
/// Every connection gets a thread; letting go of the peer closes the listener.
package final class LoopbackPeer: Sendable {
  package let port: UInt16
  private let listener: OwnedDescriptor
  private let accepted = Atomic<Int>(0)

  /// Listens with room for `backlog` connections nobody has accepted.
  package init(backlog: CInt = 16) throws(Errno) {
    let number = try Errno.check(clinux_stream_socket(AF_INET))
    listener = OwnedDescriptor(owning: number)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    // SAFETY: the address is a local of the length given.
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe bind(number, address, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0, listen(number, backlog) == 0 else { throw Errno(rawValue: errno) }
    var found: UInt16 = 0
    var text = [CChar](repeating: 0, count: 64)
    // SAFETY: the shim writes at most the 64 bytes given.
    _ = try unsafe Errno.check(clinux_name_of_end(number, 0, &text, 64, &found))
    port = found
  }

  /// Connections accepted so far.
  package var connectionCount: Int { accepted.load(ordering: .relaxed) }

  /// Accepts connections from now on and runs `body` with each, on a thread of its own.
  package func serve(_ body: @escaping @Sendable (borrowing StreamSocket) -> Void) {
    PosixThread(name: "peer") { [weak self] in
      while let connection = Self.next(self) {
        PosixThread(name: "peer") {
          if let connection = connection.take() { body(connection) }
        }.detach()
      }
    }.detach()
  }

  /// Waits in short pieces, so that a peer nobody holds any more ends its thread.
  private static func next(_ peer: @autoclosure () -> LoopbackPeer?) -> Connection? {
    while true {
      guard let peer = peer() else { return nil }
      let number =
        clinux_poll_one(peer.listener.rawValue, 1, 100) > 0
        ? Glibc.accept(peer.listener.rawValue, nil, nil) : -1
      guard number >= 0 else { continue }
      guard let socket = try? StreamSocket(adopting: OwnedDescriptor(owning: number)) else {
        continue
      }
      peer.accepted.add(1, ordering: .relaxed)
      return Connection(socket)
    }
  }

  /// A connection on its way to its thread.
  private final class Connection: Sendable {
    private let socket: Mutex<StreamSocket?>

    init(_ socket: consuming StreamSocket) {
      self.socket = Mutex(consume socket)
    }

    func take() -> StreamSocket? {
      socket.withLock { $0.take() }
    }
  }
}
