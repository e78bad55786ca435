import Glibc
import ISCSI
import LinuxIO
import Testing

@testable import Reactor

/// Connections by TCP, over sockets made as the control plane makes them.
extension ReactorHarness {
  /// Connects the session anew by TCP.
  func reconnectByTCP(bufferByteCount: CInt? = nil) throws {
    let listener = try ListeningSocket(loopbackPort: 0, isIPv6: false)
    let deadline = MonotonicTime.now.advanced(milliseconds: 5_000)
    let addresses = try Resolver.resolve(
      host: "127.0.0.1", port: listener.port, deadline: deadline)
    let ours = try StreamSocket(
      connectingTo: try #require(addresses.first), deadline: deadline
    ).release()
    Self.await(listener.descriptor.rawValue)
    let accepted = listener.accept()
    let theirs = try #require(accepted)
    if var size = bufferByteCount {
      unsafe setsockopt(ours.rawValue, SOL_SOCKET, SO_SNDBUF, &size, 4)
      unsafe setsockopt(theirs.descriptor.rawValue, SOL_SOCKET, SO_RCVBUF, &size, 4)
    }
    try reconnect(over: (dup(ours.rawValue), dup(theirs.descriptor.rawValue)))
  }

  /// Waits until a descriptor has something to tell.
  static func await(_ number: CInt) {
    var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    // SAFETY: one entry of the caller's.
    #expect(unsafe poll(&entry, 1, 5_000) == 1)
  }

  private var connection: CInt {
    reactor.connections[port.lanes.place(of: Int(home.index))].descriptor
  }

  /// Lets what the target has just done reach the reactor's end, and the reactor see it.
  func settle() {
    if sessionState == .up { Self.await(connection) }
    turn()
  }

  /// Puts bytes on the wire, with the urgent pointer at their last.
  func put(_ bytes: [UInt8], isUrgent: Bool = false) {
    let flags = CInt(MSG_NOSIGNAL) | (isUrgent ? CInt(MSG_OOB) : 0)
    #expect(unsafe Glibc.send(target, bytes, bytes.count, flags) == bytes.count)
    Self.await(connection)
  }

  func arrive(_ bytes: [UInt8], isUrgent: Bool = false) {
    put(bytes, isUrgent: isUrgent)
    turn()
  }

  /// The target's end is reset.
  func resetTarget() throws {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    unsafe setsockopt(target, SOL_SOCKET, SO_LINGER, &lingering, 8)
    try closeTarget()
    settle()
  }

  /// Reads all the target was sent: how much, and how it ends (0: in order).
  func readToEnd() -> (count: UInt64, error: CInt) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    var total: UInt64 = 0
    while true {
      Self.await(target)
      let count = unsafe recv(target, &buffer, buffer.count, 0)
      guard count > 0 else { return (total, count == 0 ? 0 : errno) }
      total += UInt64(count)
    }
  }

  /// The next PDU the reactor sends, waited for.
  func nextUnit() throws -> ProtocolDataUnit {
    if let unit = try sent() { return unit }
    Self.await(target)
    return try #require(try sent())
  }

  /// The next answer, waited for.
  func nextReply() -> Reply? {
    if let reply = reply() { return reply }
    Self.await(connection)
    return reply()
  }

  /// The next SCSI Command; what else the script made the reactor send is passed over.
  func nextCommand() throws -> ProtocolDataUnit {
    while true {
      let unit = try nextUnit()
      if unit.header.opcode == .scsiCommand { return unit }
    }
  }
}
