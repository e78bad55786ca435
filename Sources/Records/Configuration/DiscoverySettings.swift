/// Where targets are asked for, and as whom.
///
/// Source: the keys `discovery.sendtargets.*`.
package struct DiscoverySettings: Equatable, Sendable {
  package var address: String?
  package var port: UInt32 = 3260
  package var authentication = AuthenticationSettings()
  package var loginSeconds: UInt32 = 15
  package var maxRecvDataSegmentLength: UInt32 = 32_768

  package init() {}

  /// The portal to ask, when the configuration names one.
  package var portal: PortalAddress? {
    address.map { PortalAddress(host: $0, port: UInt16(clamping: port)) }
  }
}
