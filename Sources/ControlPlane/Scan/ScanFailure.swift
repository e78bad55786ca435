import Reactor
import SCSI

/// Why a command of a scan brought nothing.
enum ScanFailure: Error, Equatable, Sendable {
  /// The session did not carry it.
  case session(ControlTask.Failure)
  /// The logical unit refused it for good.
  case refused(SCSIFailure, SenseData?)
  /// The answer could not be read.
  case malformed(ParameterDataError)
  /// The list of LUNs was not whole, however much room it was given.
  case incomplete
  /// READ CAPACITY(10) says to ask (16), which the unit refuses.
  case capacityUntold

  /// The words for `last_error`, naming what the logical unit said.
  var sentence: String {
    switch self {
    case .session(.notConnected): "the session is not logged in"
    case .session(.sessionLost): "the session was lost"
    case .session(.timedOut): "no answer in time"
    case .session(.busy): "too many commands are waiting"
    case .session(.aborted): "the command was aborted by a task management function"
    case .refused(let failure, let sense):
      sense.map { "\(failure) (\($0))" } ?? "\(failure)"
    case .malformed(let error): "\(error)"
    case .incomplete: "the list is cut off or goes on growing"
    case .capacityUntold:
      "The capacity is beyond READ CAPACITY(10), and READ CAPACITY(16) is refused"
    }
  }

  /// True when the logical unit is not there at all (05/25/00).
  var isGone: Bool {
    if case .refused(.logicalUnitGone, _) = self { true } else { false }
  }

  /// True when the unit answered that it does not know the command or one of its fields.
  var isUnsupported: Bool {
    switch self {
    case .refused(.unsupportedCommand, _): true
    case .refused(.illegalRequest, let sense): sense?.additionalSense == .invalidFieldInCDB
    default: false
    }
  }
}
