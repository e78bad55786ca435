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
  /// Its cache is flushed in the background too.
  var flushesUnasked = false
  /// That has been done, or tried, since the unit has been known here.
  var hasFlushedUnasked = false
  /// The places of the sessions that have brought writes since they were heard behind a flush, a
  /// bit each: the target may keep a deferred error for them.
  var unheard: UInt64 = 0
  var form = TransferCommands.Form.sixteen
  /// How blocks are zeroed and given back, without what the unit has refused since it told.
  private(set) var provisioning = Provisioning(geometry: .none)
  /// The same as it told.
  private var toldProvisioning = Provisioning(geometry: .none)
  /// One bit for every reactor that has a session for it.
  private(set) var servingLanes: UInt16 = 0
  /// The reactor that serves it for those without.
  private(set) var homeLane: UInt8 = 0
  /// Writes of parts of blocks on this reactor, running or waiting.
  var rewriteCount: UInt32 = 0
  /// The bound on its commands in flight.
  var queue = QueueDepth()
  /// How long its commands may go without any answer, in nanoseconds.
  var commandTime = Interval.command
  /// Requests that have not been answered by the target.
  var busyCount: UInt32 = 0
  var error: CInt = 0
  /// From when on it is told why a call failed.
  var tellsFailureAt: UInt64 = 0
  /// Who waits for `busyCount` to become zero.
  var withdrawals: [Withdrawal] = []

  /// Takes note of the sessions that show the unit, each on the reactor its number says.
  mutating func use(_ handles: [SessionHandle], among lanes: Lanes) {
    sessionCount = UInt8(handles.count)
    servingLanes = 0
    homeLane = UInt8(handles.first.map { lanes.lane(of: Int($0.index)) } ?? 0)
    for (position, handle) in handles.enumerated() {
      sessions[position] = handle
      servingLanes |= 1 << UInt16(lanes.lane(of: Int(handle.index)))
    }
  }

  /// Takes note of how blocks are zeroed; what was refused stays refused while nothing new is told.
  mutating func use(_ provisioning: Provisioning) {
    guard provisioning != toldProvisioning else { return }
    toldProvisioning = provisioning
    self.provisioning = provisioning
  }

  /// The unit refuses the command a clearing is at.
  mutating func refuse(_ clearing: inout RangeClearing) -> RangeClearing.Refusal {
    clearing.refused(&provisioning)
  }

  /// The unit refuses GET LBA STATUS.
  mutating func refuseStatus() { provisioning.tellsStatus = false }

  /// Whether the reactor `lane` has a session for it.
  func isServed(by lane: Int) -> Bool { servingLanes & (1 << UInt16(lane)) != 0 }

  /// Whether the session shows it.
  func isReached(by session: SessionHandle) -> Bool {
    for position in 0..<Int(sessionCount) where sessions[position] == session { return true }
    return false
  }

  /// Tells who waits that no request is at the target any more.
  mutating func finishWithdrawals() {
    guard !withdrawals.isEmpty else { return }
    let waiting = withdrawals
    withdrawals = []
    for withdrawal in waiting { withdrawal.finish() }
  }
}
