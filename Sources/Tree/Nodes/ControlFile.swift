import ControlPlane
import SCSI

/// A file that takes one command a write.
struct ControlFile: Sendable {
  /// Whom the command is for.
  enum Scope: Equatable, Sendable {
    case root
    case target(String)
    case session(target: String, number: Int)
    case connection(target: String, session: Int, UInt16)
    case logicalUnit(target: String, LogicalUnitNumber)
    case logicalUnitTimeout(target: String, LogicalUnitNumber)
    case timeout(SessionTimeout, target: String, session: Int)
    case initiatorName
    case configuration(target: String?)

    /// A write may be of several lines.
    var takesLines: Bool { if case .configuration = self { true } else { false } }

    /// The directory name of the target it is about; nil where it is about all.
    var target: String? {
      switch self {
      case .target(let target), .session(let target, _), .timeout(_, let target, _),
        .connection(let target, _, _), .logicalUnit(let target, _),
        .logicalUnitTimeout(let target, _):
        target
      case .configuration(let target): target
      case .root, .initiatorName: nil
      }
    }
  }

  var scope: Scope
  var permissions: UInt16
  /// What reading shows: the verbs, one usage line each; empty where reading is refused.
  var usage: String
}
