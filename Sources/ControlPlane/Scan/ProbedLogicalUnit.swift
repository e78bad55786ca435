import LogicalUnit
import SCSI
import SystemPackage

/// What a scan learnt of one logical unit that has a place in the tree.
struct ProbedLogicalUnit: Equatable, Sendable {
  /// Whether there is a data file, and whether it can be opened.
  enum Availability: Equatable, Sendable {
    case serving(Geometry)
    /// A file that does not open: the error number and why.
    case closed(Errno, reason: String)
    /// No file; a reason where a disk would have had one.
    case informationOnly(reason: String?)
  }

  var description: LogicalUnitDescription
  var pages: [VitalProductDataPageBytes] = []
  var supportsSixteenByteCommands = false
  var availability: Availability

  var identity: LogicalUnitIdentity? {
    guard case .serving(let geometry) = availability else { return nil }
    return description.identity(geometry: geometry)
  }

  var hasFile: Bool {
    if case .informationOnly = availability { false } else { true }
  }

  /// Why there is no file that opens.
  var reason: String? {
    switch availability {
    case .serving: nil
    case .closed(_, let reason): reason
    case .informationOnly(let reason): reason
    }
  }
}
