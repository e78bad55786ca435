/// A key of open-iscsi that is accepted and does nothing here, and why.
///
/// An iscsid.conf in use somewhere can so be handed over as it is; `withoutEffect` tells what of it
/// was passed over.
package struct IgnoredKey: Sendable {
  /// The whole name, or its beginning when it ends in a dot.
  package let name: String
  package let reason: String

  private init(_ name: String, _ reason: String) {
    self.name = name
    self.reason = reason
  }

  /// The entry for `key`, if it is one of them.
  package static func matching(_ key: String) -> IgnoredKey? {
    all.first { $0.name == key || ($0.name.hasSuffix(".") && key.hasPrefix($0.name)) }
  }

  package static let all: [IgnoredKey] = [
    IgnoredKey("node.session.xmit_thread_priority", "there is no transmit thread"),
    IgnoredKey("node.session.initial_cmdsn", "the first CmdSN carries no meaning"),
    IgnoredKey("node.session.scan", "every login lists the LUNs with one REPORT LUNS"),
    IgnoredKey("node.session.sess_reopen_log_freq", "every attempt is logged once"),
    IgnoredKey("node.session.err_timeo.host_reset_timeout", "there is no host adapter to reset"),
    IgnoredKey("node.session.iscsi.FastAbort", "a task's data stops with its abort"),
    IgnoredKey("node.session.auth.password_length", "the secret tells its own length"),
    IgnoredKey("node.session.auth.password_in_length", "the secret tells its own length"),
    IgnoredKey("node.leading_login", "one process owns every session"),
    IgnoredKey("node.boot_lun", "nothing boots from here"),
    IgnoredKey("node.discovery_address", "the source of the mount says it"),
    IgnoredKey("node.discovery_port", "the source of the mount says it"),
    IgnoredKey("node.discovery_type", "the source of the mount says it"),
    IgnoredKey("node.conn[0].startup", "connections start with their session"),
    IgnoredKey("node.conn[0].timeo.auth_timeout", "login_timeout covers the whole login"),
    IgnoredKey("node.conn[0].tcp.congestion_control", "the kernel's default is used"),
    IgnoredKey("node.conn[0].iscsi.IFMarker", "markers are obsolete (RFC 7143, 13.25)"),
    IgnoredKey("node.conn[0].iscsi.OFMarker", "markers are obsolete (RFC 7143, 13.25)"),
    IgnoredKey("discovery.startup", "a mount discovers when it starts"),
    IgnoredKey("discovery.type", "the source of the mount says it"),
    IgnoredKey("discovery.sendtargets.auth.password_length", "the secret tells its own length"),
    IgnoredKey("discovery.sendtargets.auth.password_in_length", "the secret tells its own length"),
    IgnoredKey(
      "discovery.sendtargets.timeo.auth_timeout", "login_timeout covers the whole login"),
    IgnoredKey(
      "discovery.sendtargets.timeo.active_timeout", "login_timeout covers the whole login"),
    IgnoredKey("discovery.sendtargets.reopen_max", "a discovery that fails says so at once"),
    IgnoredKey("discovery.sendtargets.use_discoveryd", "ask again with \"discover\" in control"),
    IgnoredKey(
      "discovery.sendtargets.discoveryd_poll_inval", "ask again with \"discover\" in control"),
    IgnoredKey("discovery.isns.", "iSNS is not supported yet"),
    IgnoredKey("iface.", "the kernel's routes choose the interface"),
    IgnoredKey("iscsid.", "there is no iscsid"),
  ]
}
