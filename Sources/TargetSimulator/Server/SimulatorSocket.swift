import Glibc

/// The simulator's door to the kernel: sockets, poll, a thread, the monotonic clock.
///
/// A socket is closed when its last owner lets go of it. All of them are non-blocking.
package final class SimulatorSocket: Sendable {
  /// A system call that failed: its name and errno.
  package struct Failure: Error, Equatable, Sendable {
    package let call: String
    package let errno: Int32
  }

  /// What a transfer came to.
  enum Transfer: Equatable {
    case moved(Int)
    case wouldBlock
    /// End of stream or an error: nothing more will move.
    case ended
  }

  let descriptor: Int32

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  deinit {
    _ = Glibc.close(descriptor)
  }

  /// Listens on 127.0.0.1 or ::1; port 0 lets the kernel choose.
  static func listening(isIPv6: Bool, port: UInt16) throws(Failure) -> SimulatorSocket {
    let family = isIPv6 ? AF_INET6 : AF_INET
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Failure(call: "socket", errno: Glibc.errno) }
    let socket = SimulatorSocket(descriptor)
    socket.set(SOL_SOCKET, SO_REUSEADDR, 1)
    var result: Int32
    if isIPv6 {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = port.bigEndian
      address.sin6_addr = in6addr_loopback
      let length = socklen_t(MemoryLayout<sockaddr_in6>.size)
      // SAFETY: the address outlives the call and its length is its own.
      result = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(descriptor, $0, length)
        }
      }
    } else {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      let length = socklen_t(MemoryLayout<sockaddr_in>.size)
      // SAFETY: as above.
      result = unsafe withUnsafePointer(to: &address) {
        unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          unsafe bind(descriptor, $0, length)
        }
      }
    }
    guard result == 0 else { throw Failure(call: "bind", errno: Glibc.errno) }
    result = listen(descriptor, 64)
    guard result == 0 else { throw Failure(call: "listen", errno: Glibc.errno) }
    return socket
  }

  /// Two connected sockets, to wake a thread in `wait`.
  static func pair() throws(Failure) -> (SimulatorSocket, SimulatorSocket) {
    var descriptors: [Int32] = [-1, -1]
    // SAFETY: the kernel writes two descriptors into an array of two.
    let result = unsafe descriptors.withUnsafeMutableBufferPointer {
      unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, $0.baseAddress)
    }
    guard result == 0 else { throw Failure(call: "socketpair", errno: Glibc.errno) }
    return (SimulatorSocket(descriptors[0]), SimulatorSocket(descriptors[1]))
  }

  /// The port a listening socket got.
  var port: UInt16 {
    var address = sockaddr_in6()
    var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
    // SAFETY: the kernel writes at most `length` bytes; both families have the port at byte 2.
    _ = unsafe withUnsafeMutablePointer(to: &address) {
      unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe getsockname(descriptor, $0, &length)
      }
    }
    return UInt16(bigEndian: address.sin6_port)
  }

  /// The next connection waiting, without Nagle's delay.
  func accept() -> SimulatorSocket? {
    let accepted = Glibc.accept(descriptor, nil, nil)
    guard accepted >= 0 else { return nil }
    let socket = SimulatorSocket(accepted)
    socket.set(Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    return socket
  }

  /// Reads into `buffer`, whose length does not change.
  func receive(into buffer: inout [UInt8]) -> Transfer {
    // SAFETY: the kernel writes at most the buffer's own count.
    let count = unsafe buffer.withUnsafeMutableBytes {
      unsafe recv(descriptor, $0.baseAddress, $0.count, 0)
    }
    return transfer(count, zeroEnds: true)
  }

  /// Writes `bytes` from `offset` on; a broken pipe is no signal.
  func send(_ bytes: [UInt8], from offset: Int) -> Transfer {
    // SAFETY: the slice lies inside the array.
    let count = unsafe bytes[offset...].withUnsafeBytes {
      unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    return transfer(count, zeroEnds: false)
  }

  /// Says that nothing more will be sent (FIN); reading goes on.
  func shutdownSending() {
    _ = shutdown(descriptor, Int32(SHUT_WR))
  }

  /// Makes the coming close a reset.
  func resetOnClose() {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    // SAFETY: option and length agree.
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
  }

  /// Waits until a socket is ready or the time is over; returns who is readable and writable.
  ///
  /// A peer that has gone makes its socket readable: reading tells.
  static func wait(
    for interests: [(descriptor: Int32, reads: Bool, writes: Bool)], timeoutMilliseconds: Int32
  ) -> [(reads: Bool, writes: Bool)] {
    var entries = interests.map {
      pollfd(
        fd: $0.descriptor, events: Int16(($0.reads ? POLLIN : 0) | ($0.writes ? POLLOUT : 0)),
        revents: 0)
    }
    // SAFETY: the kernel reads and writes exactly the entries of the array.
    let ready = unsafe entries.withUnsafeMutableBufferPointer {
      unsafe poll($0.baseAddress, nfds_t($0.count), timeoutMilliseconds)
    }
    return entries.map { entry in
      guard ready > 0 else { return (false, false) }
      let events = Int32(entry.revents)
      let failed = events & (POLLERR | POLLHUP | POLLNVAL) != 0
      return (events & POLLIN != 0 || failed, events & POLLOUT != 0)
    }
  }

  /// Milliseconds on the monotonic clock.
  static var monotonicMilliseconds: UInt64 {
    var time = timespec()
    _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000
  }

  private func set(_ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    // SAFETY: option and length agree.
    _ = unsafe setsockopt(
      descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private func transfer(_ count: Int, zeroEnds: Bool) -> Transfer {
    if count > 0 || (count == 0 && !zeroEnds) { return .moved(count) }
    if count == 0 { return .ended }
    let error = Glibc.errno
    return error == EAGAIN || error == EINTR ? .wouldBlock : .ended
  }
}

/// A POSIX thread that runs one function.
package struct SimulatorThread: Sendable {
  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let identity: pthread_t

  /// Starts `body` on a thread of its own.
  init(_ body: @escaping @Sendable () -> Void) throws(SimulatorSocket.Failure) {
    // SAFETY: the retained body is released by the thread that takes it, or here on failure.
    let context = unsafe Unmanaged.passRetained(Body(body))
    var identity = pthread_t()
    let result = unsafe pthread_create(
      &identity, nil,
      { argument in
        guard let argument = unsafe argument else { return nil }
        unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, context.toOpaque())
    guard result == 0 else {
      unsafe context.release()
      throw SimulatorSocket.Failure(call: "pthread_create", errno: result)
    }
    self.identity = identity
  }

  /// Waits until it has ended; call it once.
  func join() {
    _ = pthread_join(identity, nil)
  }
}
