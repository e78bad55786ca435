import ISCSI
import Wire

/// One session of a reactor: the numbers of its commands, and those that wait for a connection.
///
/// Lives at its index, its *place*, for the reactor's whole life; `state` says whether anyone is
/// home.
struct Session: ~Copyable {
  enum State: UInt8 {
    case free
    /// Full feature phase.
    case up
    /// The connections are gone; tasks wait in `pending` for another.
    case lost
    /// A Logout Request was sent: for us (`logout` waits), or for the target, after which the
    /// session comes back.
    case loggingOut
  }

  var state = State.free
  /// Only the control plane's commands are sent: nobody knows yet whose LUNs are behind it.
  var isHeld = false
  var generation: UInt16 = 0
  /// The places of its connections that are there, a bit each.
  var connections: UInt64 = 0
  /// The places of its connections that are lost and whose tasks are to go on over another.
  var recovering: UInt64 = 0
  var window: CommandWindow
  var timeouts = SessionTimeouts()
  /// Slots whose LUN command waits to be sent, in order.
  var pending: IndexQueue
  /// Slots whose command of the control plane waits: sent before the LUNs', also while held.
  var pendingControls: IndexQueue
  /// Commands sent and not answered, on all connections.
  var inFlightCount: UInt32 = 0
  /// When the connections were lost, or the Logout sent, in monotonic nanoseconds.
  var changedAt: UInt64 = 0
  /// While lost, and until its LUNs' commands go again: since when the target has owed one of its
  /// tasks an answer and said nothing, at the latest the loss; else 0. replacement_timeout counts
  /// from here.
  var owedSince: UInt64 = 0
  var logout: CheckedContinuation<SessionEnd, Never>?
  /// The place of the function the ladder stands on; nil while every command is answered in time.
  var escalation: Int?

  /// - Parameter slotCapacity: a power of two, as many as there are slots.
  init(slotCapacity: Int) {
    pending = IndexQueue(capacity: slotCapacity)
    pendingControls = IndexQueue(capacity: slotCapacity)
    let zero = SerialNumber(rawValue: 0)
    window = CommandWindow(cmdSN: zero, expCmdSN: zero, maxCmdSN: zero)
  }

  /// Whether it carries commands, of the control plane at least.
  var isUp: Bool { state == .up }

  /// Whether it carries LUNs' commands.
  var isServing: Bool { state == .up && !isHeld }

  /// Whether a command may wait for it: not when it was asked to end for good.
  var comesBack: Bool { state != .free && logout == nil }

  var isConnected: Bool { connections != 0 }

  /// Whether a command waits that may be sent now, as far as the session goes.
  var hasCommandToSend: Bool {
    (!pendingControls.isEmpty || !isHeld && !pending.isEmpty) && state == .up && window.isOpen
      && inFlightCount < UInt32(timeouts.commandsMaximum)
  }

  /// Takes out the slot whose command is sent next; nil when none waits.
  mutating func nextCommand() -> UInt16? {
    if let control = pendingControls.popFirst() { return control }
    return isHeld ? nil : pending.popFirst()
  }
}
