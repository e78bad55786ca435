import ControlPlane
import FUSE
import Glibc
import ISCSI
import Records
import Tree

/// The plan in each module's own words.
extension InitiatorSettings {
  init(_ plan: DaemonPlan) throws(ControlError) {
    try self.init(
      plan.configuration, initiatorName: plan.identity.name.rawValue,
      isidRandom: UInt32.random(in: 0..<1 << 24))
    initiatorAlias = plan.identity.alias
    loginPolicy = plan.logsInAtStart ? .automatic : .manual
    isReadOnly = plan.options.isReadOnly
  }
}

extension TreeOptions {
  init(_ plan: DaemonPlan) {
    self.init(
      userID: plan.options.userID ?? geteuid(),
      groupID: plan.options.groupID ?? getegid(),
      modeMask: UInt16(plan.options.umask ?? 0),
      cacheMode: FUSE.CacheMode(plan.options.cache),
      isReadOnly: plan.options.isReadOnly,
      version: ISCSIFS.version,
      startSeconds: Int64(time(nil)))
  }
}

extension FUSE.MountOptions {
  init(_ plan: DaemonPlan) {
    self.init(
      mountPoint: plan.mountpoint, source: plan.sourceName,
      allowsOthers: plan.options.allowsOther, isReadOnly: plan.options.isReadOnly,
      cacheMode: FUSE.CacheMode(plan.options.cache))
  }
}

extension FUSE.CacheMode {
  init(_ mode: Records.CacheMode) {
    switch mode {
    case .none: self = .none
    case .read: self = .read
    case .writeback: self = .writeback
    }
  }
}

extension Portal {
  init(_ address: PortalAddress) {
    self.init(host: address.host, port: address.port, targetPortalGroupTag: nil)
  }
}
