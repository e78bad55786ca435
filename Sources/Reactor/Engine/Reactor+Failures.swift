import SCSI
import SystemPackage

/// Why calls fail, told to who shows it to people.
extension Reactor {
  /// Between what is told of one unit: a unit may fail every command there is.
  private static let failureInterval = Interval.second

  /// Tells why a request is about to be answered with an error; of many of a unit only the first
  /// in each second.
  mutating func tell(_ cause: CommandFailure.Cause, of index: Int) {
    guard slots[index].kind != .control, !slots[index].isAnswered, !slots[index].isUnasked else {
      return
    }
    tell(CommandFailure(cause, of: slots[index].cdb), unit: Int(slots[index].unit))
  }

  /// The same of a request whose turn never came.
  mutating func tellHeldUp(unit: Int) {
    tell(CommandFailure(.heldUp, of: nil), unit: unit)
  }

  private mutating func tell(_ failure: CommandFailure, unit: Int) {
    guard now >= units[unit].tellsFailureAt else { return }
    units[unit].tellsFailureAt = now &+ Self.failureInterval
    port.tell(
      .commandFailed(
        LogicalUnitHandle(index: UInt16(unit), generation: units[unit].generation), failure))
  }

  /// Ends a request, or only the wait for it, whose time is up on a path that is there.
  mutating func giveUpUnanswered(_ index: Int) {
    switch slots[index].stage {
    case .range, .quiet: tellHeldUp(unit: Int(slots[index].unit))
    default: tell(.unanswered, of: index)
    }
    giveUp(index, error: .ioError)
  }
}
