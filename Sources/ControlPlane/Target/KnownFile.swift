import LogicalUnit
import Reactor

/// The file a LUN had, and the unit it stood for.
struct KnownFile {
  let handle: LogicalUnitHandle
  /// Nil while only a closed file was seen.
  var identity: LogicalUnitIdentity?
  /// How long its commands may take before the target is asked to end them; `timeout` sets it.
  var timeoutSeconds = LogicalUnitRegistration.commandSeconds
}
