package import SystemPackage

/// Error numbers of the tree's contract that `Errno` has no name for.
extension Errno {
  /// EKEYREJECTED: authentication failed.
  package static var keyRejected: Errno { Errno(rawValue: 129) }
  /// ENOMEDIUM: no medium is present.
  package static var noMedium: Errno { Errno(rawValue: 123) }
}
