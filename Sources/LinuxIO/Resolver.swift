import CLinux
import Synchronization
import SystemPackage

/// Turns a host, by name or by number, into socket addresses.
///
/// Numbers are answered at once. A name is looked up by a thread of its own, because the C library
/// can neither be given a deadline nor be interrupted: a caller whose time is up leaves, the thread
/// ends when the library returns, and who asks for the same name next has its answer. At most
/// `lookupLimit` such threads exist, one a name.
/// The corresponding C function is `getaddrinfo`.
package enum Resolver {
  /// Names looked up at once, those nobody waits for any more among them.
  package static let lookupLimit = 16

  /// How long an answer nobody waited for any more is good for, in milliseconds.
  private static let answerMilliseconds: UInt64 = 30_000

  private struct Question: Hashable {
    let host: String
    let port: UInt16
  }

  /// What a lookup thread leaves for who waits.
  private final class Lookup: Sendable {
    struct Answer {
      let addresses: Result<[SocketAddress], ResolverError>
      let at: MonotonicTime
    }

    let done: EventDescriptor
    let answer = Mutex<Answer?>(nil)

    init() throws(Errno) {
      done = try EventDescriptor()
    }

    var isOver: Bool { answer.withLock { $0 != nil } }

    /// Whoever asks now asks anew: it is old, or no address.
    var isStale: Bool {
      answer.withLock { answer in
        guard let answer else { return false }
        guard case .success = answer.addresses else { return true }
        return answer.at.advanced(milliseconds: answerMilliseconds) < .now
      }
    }
  }

  /// Lookups under way, and some whose answers nobody has taken.
  private static let lookups = Mutex<[Question: Lookup]>([:])

  /// The addresses of `host` in the order to try them, never empty; blocks until `deadline`.
  package static func resolve(
    host: String, port: UInt16, deadline: MonotonicTime, cancellation: CancellationSignal? = nil
  ) throws(ResolverError) -> [SocketAddress] {
    try resolve(host: host, port: port, deadline: deadline, cancellation: cancellation) {
      (host, port) throws(ResolverError) in
      try addresses(of: host, port: port, flags: 0)
    }
  }

  /// The same; `ask` is what takes its time.
  static func resolve(
    host: String, port: UInt16, deadline: MonotonicTime, cancellation: CancellationSignal?,
    _ ask: @escaping @Sendable (String, UInt16) throws(ResolverError) -> [SocketAddress]
  ) throws(ResolverError) -> [SocketAddress] {
    if let addresses = numeric(host: host, port: port) { return addresses }
    let question = Question(host: host, port: port)
    let lookup = try lookup(question, ask)
    do throws(Errno) {
      try lookup.done.descriptor.awaitReadiness(
        .readable, deadline: deadline, cancellation: cancellation)
    } catch {
      throw error == .canceled ? .cancelled : .timedOut
    }
    lookups.withLock { if $0[question] === lookup { $0[question] = nil } }
    guard let answer = lookup.answer.withLock({ $0 }) else { throw .temporaryFailure }
    return try answer.addresses.get()
  }

  /// The addresses of a host that is written as a number; nil for a name, which is not looked up.
  package static func numeric(host: String, port: UInt16) -> [SocketAddress]? {
    try? addresses(of: host, port: port, flags: AI_NUMERICHOST)
  }

  /// The lookup of a name: one that is under way or over for a short while, or a new one.
  private static func lookup(
    _ question: Question,
    _ ask: @escaping @Sendable (String, UInt16) throws(ResolverError) -> [SocketAddress]
  ) throws(ResolverError) -> Lookup {
    try lookups.withLock { (lookups) throws(ResolverError) in
      if let known = lookups[question], !known.isStale { return known }
      lookups = lookups.filter { !$0.value.isStale }
      // Answers somebody may come for yield to who asks now.
      if lookups.count >= lookupLimit { lookups = lookups.filter { !$0.value.isOver } }
      guard lookups.count < lookupLimit, let lookup = try? Lookup() else { throw .busy }
      let thread = try? PosixThread.start(name: "resolver") {
        let result = Result { () throws(ResolverError) in
          try ask(question.host, question.port)
        }
        lookup.answer.withLock { $0 = Lookup.Answer(addresses: result, at: .now) }
        lookup.done.signal()
      }
      guard let thread else { throw .busy }
      thread.detach()
      lookups[question] = lookup
      return lookup
    }
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
