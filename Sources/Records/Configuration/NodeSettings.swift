/// One target known without discovery, and whether targets are logged in to by themselves.
///
/// Source: the keys `node.name`, `node.tpgt`, `node.startup` and `node.conn[0].*`.
package struct NodeSettings: Equatable, Sendable {
  package var targetName: String?
  package var targetPortalGroupTag: UInt32 = 1
  package var startup = StartupMode.manual
  package var address: String?
  package var port: UInt32 = 3260

  package init() {}

  /// The portal of `targetName`, when the configuration names one.
  package var portal: PortalAddress? {
    address.map { PortalAddress(host: $0, port: UInt16(clamping: port)) }
  }
}

/// When a target is logged in to.
package enum StartupMode: String, CaseIterable, Sendable {
  case manual
  case automatic
  /// open-iscsi's word for targets of the boot: the same as automatic here.
  case onboot

  package var logsInAtStart: Bool { self != .manual }
}
