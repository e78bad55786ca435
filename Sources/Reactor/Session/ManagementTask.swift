import ISCSI
import SCSI
import Wire

/// A place for a task management function under way at a target.
struct ManagementTask {
  /// The low half of the first place's tags: above every slot's, below the ping's and the logout's.
  static let firstTag = 0xFF00
  /// Functions under way at once in a reactor.
  static let capacity = 64

  var isBusy = false
  /// A rung of the ladder, which nobody waits for.
  var isEscalation = false
  /// A reset has ended what it is about: it may never be answered.
  var isMoot = false
  /// Told apart in the tag from the place's earlier functions.
  var generation: UInt16 = 0
  var session: UInt16 = 0
  /// The connection it was sent on.
  var connection: UInt16 = 0
  var function = TaskManagementRequest.Function.abortTask
  var lun = LogicalUnitNumber(rawValue: 0)
  var task = InitiatorTaskTag.reserved
  /// Of a rung: the command the ladder was begun for.
  var beginning = InitiatorTaskTag.reserved
  /// Tasks numbered before it are what it is about.
  var cmdSN = SerialNumber(rawValue: 0)
  /// Monotonic nanoseconds.
  var deadline: UInt64 = 0
  /// Who waits; nil when they were told that it takes too long.
  var continuation: CheckedContinuation<TaskManagementOutcome, Never>?

  func tag(index: Int) -> InitiatorTaskTag {
    InitiatorTaskTag(rawValue: UInt32(generation) << 16 | UInt32(Self.firstTag + index))
  }
}
