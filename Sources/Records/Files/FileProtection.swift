package import SystemPackage

/// Who can read a file: what is asked before a secret is taken from it. Pure.
package struct FileProtection: Equatable, Sendable {
  package var isRegular: Bool
  /// The twelve permission bits.
  package var permissions: UInt32
  package var ownerID: UInt32

  package init(isRegular: Bool, permissions: UInt32, ownerID: UInt32) {
    self.isRegular = isRegular
    self.permissions = permissions
    self.ownerID = ownerID
  }

  /// What fstat says of the open file: no name is looked up a second time.
  package init(of descriptor: FileDescriptor) throws(Errno) {
    let status = try Stat(descriptor)
    isRegular = status.type == .regular
    permissions = UInt32(status.permissions.rawValue) & 0o7777
    ownerID = status.userID.rawValue
  }

  /// Why a secret must not come from this file, and what to do about it; nil when it may.
  package func objectionToSecrets(path: String, userID: UInt32) -> String? {
    if ownerID != 0, ownerID != userID {
      return "\(path) belongs to user \(ownerID); its owner must be you or root"
    }
    if permissions != 0o600, permissions != 0o400 {
      return "\(path) has mode 0\(String(permissions, radix: 8)); do: chmod 600 \(path)"
    }
    return nil
  }
}
