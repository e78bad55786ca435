import Logging
import Reactor
import SCSI

/// Calls on LUN files that got an error.
extension Target {
  /// Keeps why a file's user got an error, for `last_error`; who reads `events` hears each that the
  /// reactor tells, the log the first of a kind and then ever fewer.
  func commandFailed(_ file: LogicalUnitHandle, _ failure: CommandFailure) {
    guard let lun = units.lun(of: file), var unit = units[lun] else { return }
    if unit.failure?.cause != failure.cause { unit.failures = Recurrence() }
    let isLogged = unit.failures.next(Self.stopwatch(context.clock)) != nil
    unit.failure = failure
    units[lun] = unit
    if isLogged { logger.warning("lun\(lun.name): \(failure)") }
    tell(lun, "\(failure)")
    publish()
  }
}
