package import FUSE

/// How the tree is shown: from the mount's options and the program.
package struct TreeOptions: Equatable, Sendable {
  /// Who owns every node (`uid=`, `gid=`).
  package var userID: UInt32
  package var groupID: UInt32
  /// Bits taken from every mode (`umask=`).
  package var modeMask: UInt16
  package var cacheMode: CacheMode
  package var isReadOnly: Bool
  /// What `version` says, without a newline.
  package var version: String
  /// Every node's times: when the mount was made, in seconds of the epoch.
  package var startSeconds: Int64

  package init(
    userID: UInt32, groupID: UInt32, modeMask: UInt16 = 0, cacheMode: CacheMode = .read,
    isReadOnly: Bool = false, version: String, startSeconds: Int64
  ) {
    self.userID = userID
    self.groupID = groupID
    self.modeMask = modeMask
    self.cacheMode = cacheMode
    self.isReadOnly = isReadOnly
    self.version = version
    self.startSeconds = startSeconds
  }
}
