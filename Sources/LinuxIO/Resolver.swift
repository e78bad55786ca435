import CLinux
import Synchronization
import SystemPackage

/// Turns a host, by name or by number, into socket addresses.
///
/// Numbers are answered at once. A name is looked up by a thread of its own, because the C library
/// can neither be given a deadline nor be interrupted: a caller whose time is up leaves, the thread
/// ends when the library returns. At most `lookupLimit` such threads exist.
/// The corresponding C function is `getaddrinfo`.
package enum Resolver {
  /// Names looked up at once, those nobody waits for any more among them.
  package static let lookupLimit = 16

  private static let lookups = Atomic<Int>(0)

  /// What a lookup thread leaves for who waits.
  private final class Lookup: Sendable {
    let done: EventDescriptor
    let result = Mutex<Result<[SocketAddress], ResolverError>?>(nil)

    init() throws(Errno) {
      done = try EventDescriptor()
    }
  }

  /// The addresses of `host` in the order to try them, never empty; blocks until `deadline`.
  package static func resolve(
    host: String, port: UInt16, deadline: MonotonicTime, cancellation: CancellationSignal? = nil
  ) throws(ResolverError) -> [SocketAddress] {
    if let addresses = try? addresses(of: host, port: port, flags: AI_NUMERICHOST) {
      return addresses
    }
    guard lookups.add(1, ordering: .relaxed).newValue <= lookupLimit,
      let lookup = try? Lookup()
    else {
      lookups.subtract(1, ordering: .relaxed)
      throw .busy
    }
    let thread = PosixThread(name: "resolver") {
      let result = Result { () throws(ResolverError) in
        try addresses(of: host, port: port, flags: 0)
      }
      lookup.result.withLock { $0 = result }
      lookups.subtract(1, ordering: .relaxed)
      lookup.done.signal()
    }
    thread.detach()
    do throws(Errno) {
      try lookup.done.descriptor.awaitReadiness(
        .readable, deadline: deadline, cancellation: cancellation)
    } catch {
      throw error == .canceled ? .cancelled : .timedOut
    }
    guard let result = lookup.result.withLock({ $0 }) else { throw .temporaryFailure }
    return try result.get()
  }

  /// One call of `getaddrinfo`.
  private static func addresses(
    of host: String, port: UInt16, flags: CInt
  ) throws(ResolverError) -> [SocketAddress] {
    var hints = unsafe addrinfo()
    unsafe hints.ai_flags = flags | AI_NUMERICSERV
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    // SAFETY: the library makes a list of its own, freed below.
    let code = unsafe getaddrinfo(host, String(port), &hints, &list)
    defer { if let list = unsafe list { unsafe freeaddrinfo(list) } }
    switch code {
    case 0: break
    case EAI_AGAIN: throw .temporaryFailure
    default: throw .notFound
    }
    var found: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      // SAFETY: entries and their addresses live until the list is freed.
      if let address = unsafe entry.pointee.ai_addr,
        let copy = unsafe try? SocketAddress(
          copying: address, length: Int(entry.pointee.ai_addrlen)), !found.contains(copy)
      {
        found.append(copy)
      }
      unsafe next = entry.pointee.ai_next
    }
    guard !found.isEmpty else { throw .notFound }
    return found
  }
}
