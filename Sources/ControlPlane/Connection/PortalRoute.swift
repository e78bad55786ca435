import ISCSI
import LinuxIO
import SystemPackage

/// The way to a portal: its name or number, the addresses it stands for, one that answers.
///
/// All steps together end by the deadline.
struct PortalRoute {
  let portal: Portal
  /// How near the target was that sent us there; nil where nobody did.
  let sentFrom: AddressScope?
  let options: SocketOptions
  let deadline: MonotonicTime
  let cancellation: CancellationSignal

  /// A connection to the first address that answers.
  func connect(
    _ known: KnownAddresses?, _ lookUp: HostLookup
  ) throws(PortalFailure) -> StreamSocket {
    guard let known, let address = known.address(of: portal) else {
      return try connect(addresses(until: deadline, lookUp), until: deadline)
    }
    try check(address)
    return known.isFirst
      ? try connect(first: address, lookUp) : try connect(last: address, lookUp)
  }

  /// The address known, and only where it does not answer those the name has now.
  private func connect(
    first known: SocketAddress, _ lookUp: HostLookup
  ) throws(PortalFailure) -> StreamSocket {
    let now = MonotonicTime.now
    // One that is silent leaves the others their share of the time.
    let share = now.milliseconds(until: deadline) / 2
    let failure: PortalFailure
    do throws(PortalFailure) {
      return try connect([known], until: now.advanced(milliseconds: share))
    } catch {
      failure = error
    }
    guard failure != .socket(.canceled), let others = try? others(than: known, lookUp),
      !others.isEmpty
    else { throw failure }
    return try connect(others, until: deadline)
  }

  /// Those the name has now, then the address known.
  private func connect(
    last known: SocketAddress, _ lookUp: HostLookup
  ) throws(PortalFailure) -> StreamSocket {
    let others: [SocketAddress]
    do throws(PortalFailure) {
      others = try self.others(than: known, lookUp)
    } catch .resolver(.cancelled) {
      throw .resolver(.cancelled)
    } catch {
      others = []
    }
    return try connect(others + [known], until: deadline)
  }

  /// What the name stands for besides `known`, if that is told soon.
  private func others(
    than known: SocketAddress, _ lookUp: HostLookup
  ) throws(PortalFailure) -> [SocketAddress] {
    let soon = MonotonicTime.now.advanced(milliseconds: KnownAddresses.lookupMilliseconds)
    return try addresses(until: min(soon, deadline), lookUp).filter { $0 != known }
  }

  /// What the portal's host stands for, as far as it may be connected to.
  private func addresses(
    until deadline: MonotonicTime, _ lookUp: HostLookup
  ) throws(PortalFailure) -> [SocketAddress] {
    var addresses: [SocketAddress]
    do {
      addresses = try lookUp(portal.host, portal.port, deadline, cancellation)
    } catch {
      throw .resolver(error)
    }
    if let sentFrom {
      addresses.removeAll { !sentFrom.maySend(to: AddressScope(of: $0.host)) }
      guard !addresses.isEmpty else { throw .notFollowed }
    }
    return addresses
  }

  private func check(_ address: SocketAddress) throws(PortalFailure) {
    guard let sentFrom, !sentFrom.maySend(to: AddressScope(of: address.host)) else { return }
    throw .notFollowed
  }

  /// An address that does not answer leaves the later ones their share of the time.
  private func connect(
    _ addresses: [SocketAddress], until deadline: MonotonicTime
  ) throws(PortalFailure) -> StreamSocket {
    var failure = Errno.noRouteToHost
    for (index, address) in addresses.enumerated() {
      let now = MonotonicTime.now
      let share = now.milliseconds(until: deadline) / UInt64(addresses.count - index)
      do {
        return try StreamSocket(
          connectingTo: address, with: options, deadline: now.advanced(milliseconds: share),
          cancellation: cancellation)
      } catch {
        failure = error
        if error == .canceled { break }
      }
    }
    throw .socket(failure)
  }
}
