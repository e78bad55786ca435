import ISCSI

/// The ladder a command is climbed with that its target does not answer.
///
/// ABORT TASK first, which concerns nobody else; LOGICAL UNIT RESET when that is refused or not
/// answered; TARGET WARM RESET only where the unit's reset is refused, because it ends the tasks of
/// all units and of all initiators. Above the last rung the session is opened anew.
/// Source: RFC 7143, 11.5.1; Docs/Decisions/008-ladder.md.
enum Escalation {
  /// Why a rung did not help.
  enum Disappointment {
    case refused, timedOut
  }

  /// The function to try next; nil where the session is to be opened anew.
  static func rung(
    above function: TaskManagementRequest.Function, after why: Disappointment
  ) -> TaskManagementRequest.Function? {
    switch (function, why) {
    case (.abortTask, _): .logicalUnitReset
    case (.logicalUnitReset, .refused): .targetWarmReset
    default: nil
    }
  }
}
