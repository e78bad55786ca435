/// What a SETATTR asks to change.
package struct AttributeChanges: Equatable, Sendable {
  package var permissions: UInt16?
  package var userID: UInt32?
  package var groupID: UInt32?
  package var sizeBytes: UInt64?
  package var setsTimes: Bool
  /// Asked through an open file (FATTR_FH), as `ftruncate(2)` is, and not by a path.
  package var isByOpenFile: Bool

  package init(
    permissions: UInt16? = nil, userID: UInt32? = nil, groupID: UInt32? = nil,
    sizeBytes: UInt64? = nil, setsTimes: Bool = false,
    isByOpenFile: Bool = false
  ) {
    self.permissions = permissions
    self.userID = userID
    self.groupID = groupID
    self.sizeBytes = sizeBytes
    self.setsTimes = setsTimes
    self.isByOpenFile = isByOpenFile
  }
}
