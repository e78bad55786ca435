import Glibc

/// Our end of a socket pair whose other end the reactor has; everything happens at once.
final class SocketEnd {
  private(set) var descriptor: CInt
  enum Received {
    case bytes([UInt8])
    case nothing
    case end
  }

  /// A pair; nil when the kernel has no descriptor left.
  ///
  /// - Parameter sendBytes: how much the other end may send before it has to wait.
  static func pair(_ type: __socket_type, sendBytes: CInt) -> (SocketEnd, theirs: CInt)? {
    var ends: [CInt] = [0, 0]
    // No child of another test inherits them, and keeps open what is closed here.
    let flags = type.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue
    let result = unsafe socketpair(AF_UNIX, CInt(bitPattern: flags), 0, &ends)
    guard result == 0 else { return nil }
    var (ours, theirs) = (4 << 20 as CInt, sendBytes)
    unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &theirs, 4)
    unsafe setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &ours, 4)
    return (SocketEnd(ends[1]), ends[0])
  }

  private init(_ descriptor: CInt) { self.descriptor = descriptor }

  deinit { close() }

  func close() {
    guard descriptor >= 0 else { return }
    Glibc.close(descriptor)
    descriptor = -1
  }

  /// What has come next: a message, or all there is of a stream.
  func receive(into room: inout [UInt8]) -> Received {
    guard descriptor >= 0 else { return .nothing }
    let count = unsafe recv(descriptor, &room, room.count, CInt(MSG_DONTWAIT))
    if count > 0 { return .bytes([UInt8](room[..<count])) }
    return count < 0 && errno == EAGAIN ? .nothing : .end
  }

  /// Whether something lies here unread.
  var hasUnread: Bool {
    guard descriptor >= 0 else { return false }
    var byte: UInt8 = 0
    return unsafe recv(descriptor, &byte, 1, CInt(MSG_DONTWAIT | MSG_PEEK)) > 0
  }

  /// True when all of it has gone.
  func send(_ bytes: [UInt8]) -> Bool {
    unsafe Glibc.send(descriptor, bytes, bytes.count, CInt(MSG_NOSIGNAL | MSG_DONTWAIT))
      == bytes.count
  }
}
