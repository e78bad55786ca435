import SCSI

/// A part of a snapshot that stands in a list under a key of its own.
package protocol SnapshotPart: Equatable, Sendable {
  associatedtype Key: Comparable & Sendable

  /// Where it stands among its like; the same for its whole life.
  var key: Key { get }
}

extension TargetSnapshot: SnapshotPart {
  package var key: String { directoryName }
}

extension LogicalUnitSnapshot: SnapshotPart {
  package var key: UInt64 { lun.rawValue }
}
