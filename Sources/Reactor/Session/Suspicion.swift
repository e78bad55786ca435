import ISCSI
import SCSI

/// A reset that was done through one session, for those whose tasks it may have ended.
struct Suspicion: Sendable {
  let function: TaskManagementRequest.Function
  /// What was reset, where it is a unit.
  let lun: LogicalUnitNumber
  let session: SessionHandle

  init(
    _ function: TaskManagementRequest.Function, lun: LogicalUnitNumber,
    through session: SessionHandle
  ) {
    self.function = function
    self.lun = lun
    self.session = session
  }
}
