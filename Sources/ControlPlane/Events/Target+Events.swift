import ISCSI
import Logging
import Reactor
import SCSI

/// What happens to a target, told to who reads `events`.
extension Target {
  /// Tells of the target itself.
  func tell(_ what: String) {
    context.events.post("targets/\(directoryName)", what)
  }

  /// Tells of one of its sessions.
  func tell(_ session: TargetSession, _ what: String) {
    context.events.post("targets/\(directoryName)/sessions/\(session.number)", what)
  }

  /// Tells of the session with this handle, if it is still there.
  func tell(_ handle: SessionHandle, _ what: String) {
    if let session = sessions.first(where: { $0.handle == handle }) { tell(session, what) }
  }

  /// The target said something unasked: who reads `events` hears each, the log only now and then.
  func asyncMessage(
    _ handle: SessionHandle, _ event: AsyncMessage.Event, _ lun: LogicalUnitNumber,
    _ sense: AdditionalSense?
  ) {
    let sentence = "async message: \(event) for LUN \(lun.name)"
    if let number = asyncMessages.next(Self.stopwatch(context.clock)) {
      logger.info("\(sentence) (number \(number))")
    }
    tell(handle, sentence)
    if event == .scsiAsyncEvent { attention(lun, sense) }
  }

  /// Tells of a LUN.
  func tell(_ lun: LogicalUnitNumber, _ what: String) {
    context.events.post("targets/\(directoryName)/lun\(lun.name)", what)
  }
}
