import Reactor
import SCSI

/// The logical units of a target by their LUNs and by their files, and which of them are not shown
/// as they are.
struct LogicalUnitTable {
  private var units: [LogicalUnitNumber: TargetLogicalUnit] = [:]
  private var luns: [LogicalUnitHandle: LogicalUnitNumber] = [:]
  private var changes: Set<LogicalUnitNumber> = []

  var keys: [LogicalUnitNumber] { Array(units.keys) }
  var values: [TargetLogicalUnit] { Array(units.values) }

  subscript(lun: LogicalUnitNumber) -> TargetLogicalUnit? {
    get { units[lun] }
    set {
      if let old = units[lun]?.handle { luns[old] = nil }
      if let new = newValue?.handle { luns[new] = lun }
      units[lun] = newValue
      changes.insert(lun)
    }
  }

  /// Takes a unit out.
  mutating func remove(_ lun: LogicalUnitNumber) -> TargetLogicalUnit? {
    defer { self[lun] = nil }
    return units[lun]
  }

  mutating func removeAll() {
    changes.formUnion(units.keys)
    units = [:]
    luns = [:]
  }

  /// The LUN whose file this is.
  func lun(of file: LogicalUnitHandle) -> LogicalUnitNumber? { luns[file] }

  /// Notes that something shown of a file's unit is kept elsewhere and has changed.
  mutating func touch(_ file: LogicalUnitHandle) {
    if let lun = luns[file] { changes.insert(lun) }
  }

  /// The LUNs that have changed since the last call.
  mutating func takeChanges() -> Set<LogicalUnitNumber> {
    defer { changes = [] }
    return changes
  }
}
