import ISCSI
import LinuxIO

/// The numeric addresses at which portals given by name were reached, for a recovery that must not
/// wait for a name service: it may be what the lost LUNs are for, or be gone with the target.
struct KnownAddresses: Equatable, Sendable {
  /// How long a name is looked up in a recovery, in milliseconds. What comes later is there at the
  /// next try.
  static let lookupMilliseconds: UInt64 = 1000
  /// More than a target has portals and a login redirections.
  static let limit = 64

  /// By the portal's address.
  private var hosts: [String: String] = [:]
  /// Asked first; else the name is, in case a name has moved to another machine.
  var isFirst = true

  var count: Int { hosts.count }

  /// The address known for a portal; nil where there is none, or the portal is given by number.
  func address(of portal: Portal) -> SocketAddress? {
    hosts[portal.address].flatMap { Resolver.numeric(host: $0, port: portal.port)?.first }
  }

  /// Notes where a portal was reached.
  mutating func note(_ host: String, for portal: Portal) {
    guard Resolver.numeric(host: portal.host, port: portal.port) == nil else { return }
    if hosts.count >= Self.limit, hosts[portal.address] == nil { hosts = [:] }
    hosts[portal.address] = host
  }

  /// Takes over what a later login has found.
  mutating func note(_ later: KnownAddresses) {
    guard hosts.count + later.hosts.count <= Self.limit else {
      hosts = later.hosts
      return
    }
    hosts.merge(later.hosts) { $1 }
  }
}

/// How names become addresses: the resolver, or what a test has in its place.
typealias HostLookup =
  @Sendable (String, UInt16, MonotonicTime, CancellationSignal) throws(ResolverError)
  -> [SocketAddress]
