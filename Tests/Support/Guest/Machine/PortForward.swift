/// A port of the host's loopback that leads to a port of a guest.
package struct PortForward: Equatable, Sendable {
  package var host: UInt16
  package var guest: UInt16
  /// The guest's address that is connected to; empty: the one the emulator's network gives it.
  package var address: String

  package init(host: UInt16, guest: UInt16, address: String = "") {
    self.host = host
    self.guest = guest
    self.address = address
  }
}
