import LogicalUnit
import SCSI

/// A LUN file as the reactor serves it.
struct LogicalUnitEntry {
  enum State: UInt8 {
    case free
    case exposed
    /// Requests are refused with `error`; some may still be at the target.
    case withdrawn
  }

  var state = State.free
  var generation: UInt16 = 0
  var sessionCount: UInt8 = 0
  var sessions = InlineArray<4, SessionHandle>(
    repeating: SessionHandle(index: 0, generation: 0))
  var lun = LogicalUnitNumber(rawValue: 0)
  var geometry = Geometry.none
  var isWriteProtected = false
  var supportsForceUnitAccess = false
  var hasVolatileCache = false
  var form = TransferCommands.Form.sixteen
  /// Counts writes answered GOOD; those up to `syncedEpoch` are on the medium.
  var writeEpoch: UInt64 = 0
  var syncedEpoch: UInt64 = 0
  /// The device told of an earlier write's failure (a deferred error): the next flush passes it on.
  var owesError = false
  /// Requests that have not been answered by the target.
  var busyCount: UInt32 = 0
  var error: CInt = 0
  /// Who waits for `busyCount` to become zero.
  var withdrawals: [CheckedContinuation<Void, Never>] = []

  /// Tells who waits that no request is at the target any more.
  mutating func resumeWithdrawals() {
    guard !withdrawals.isEmpty else { return }
    let waiting = withdrawals
    withdrawals = []
    for continuation in waiting { continuation.resume() }
  }
}

extension Geometry {
  /// The geometry of a place in the table where no unit is: one block, never used.
  static let none: Geometry = {
    do throws(GeometryError) {
      return try Geometry(
        logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(0))
    } catch {
      preconditionFailure("one block of 512 bytes is a geometry")
    }
  }()
}
