package import ISCSI
import SCSI
import Wire

/// ErrorRecoveryLevel 1: SNACKs answered, data of the initiator's that arrive damaged asked for
/// again.
///
/// Source: RFC 7143, 7.8, 7.9 and 11.16.
extension TargetConnection {
  var recovers: Bool { negotiated.errorRecoveryLevel > 0 }

  func snack(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    let request = SNACKRequest(unit.header)
    guard recovers else { return reject(unit, .snackReject) }
    guard request.kind != .rData else { return resegment(unit, request, in: session) }
    guard request.kind != .dataACK else {
      guard let tag = sentUnits.acknowledgeData(request) else {
        return reject(unit, .invalidDataACK)
      }
      session.answered[tag]?.acknowledgeData(before: request.begRun)
      return
    }
    guard let units = sentUnits.answer(request) else { return reject(unit, .protocolError) }
    for var unit in units {
      unit.header.expCmdSN = session.expCmdSN
      unit.header.maxCmdSN = session.maxCmdSN()
      if unit.header.opcode == .readyToTransfer { unit.header.statSN = statSN }
      sendAgain(unit)
    }
  }

  /// Sends all of a read's data that are not acknowledged anew, cut as the initiator takes them
  /// now, and a response with its SNACK Tag (11.16.3).
  ///
  /// Tasks are kept for that from ErrorRecoveryLevel 2 on, where lengths may change.
  private func resegment(
    _ unit: ProtocolDataUnit, _ request: SNACKRequest, in session: SimulatedSession
  ) {
    guard let task = session.answered[unit.header.initiatorTaskTag], task.connection === self,
      let answer = task.answer, task.isRead
    else { return reject(unit, .snackReject) }
    guard request.begRun == 0, request.runLength == 0, ![0, .max].contains(request.snackTag),
      request.snackTag != task.snackTag
    else { return reject(unit, .protocolError) }
    task.snackTag = request.snackTag
    sentUnits.forget(task.initiatorTaskTag)
    respond(to: task, with: answer, descriptorFormat: task.usesDescriptorSense, in: session)
  }

  /// A PDU of the initiator's has come whose data digest is wrong: it is rejected, and not taken.
  ///
  /// What was for a task's data is asked for again when its sequence has ended; a command leaves a
  /// hole in the order of CmdSN.
  package func receiveDamaged(_ unit: ProtocolDataUnit) {
    guard let session, recovers else { return close() }
    reject(unit, .dataDigestError)
    guard unit.header.opcode == .dataOut,
      let task = session.tasks[unit.header.initiatorTaskTag], task.connection === self
    else { return }
    let tag = unit.header.targetTransferTag
    if tag == .reserved {
      task.hasLostUnsolicitedData = true
    } else {
      task.solicitations[tag]?.isBroken = true
    }
    if unit.header.isFinal { endBroken(tag, of: task, in: session) }
  }

  /// Data-Out behind one that was lost: dropped, and at the end of its sequence all of them asked
  /// for; false where nothing was lost.
  func passOverBroken(
    _ unit: ProtocolDataUnit, of task: SimulatedTask, in session: SimulatedSession
  ) -> Bool {
    guard recovers else { return false }
    let tag = unit.header.targetTransferTag
    let dataSN = DataOut(unit.header).dataSN
    if tag == .reserved {
      guard task.awaitsUnsolicitedData else { return false }
      if dataSN != task.nextUnsolicitedDataSN { task.hasLostUnsolicitedData = true }
      guard task.hasLostUnsolicitedData else { return false }
    } else {
      guard let solicitation = task.solicitations[tag] else { return false }
      if dataSN != solicitation.nextDataSN { task.solicitations[tag]?.isBroken = true }
      guard task.solicitations[tag]?.isBroken == true else { return false }
    }
    if unit.header.isFinal { endBroken(tag, of: task, in: session) }
    return true
  }

  private func endBroken(
    _ tag: TargetTransferTag, of task: SimulatedTask, in session: SimulatedSession
  ) {
    if tag == .reserved {
      // What has come is without a hole: the first R2T asks for all behind it.
      task.awaitsUnsolicitedData = false
    } else if let broken = task.solicitations.removeValue(forKey: tag) {
      task.rangesToAskFor?.insert(broken.nextOffset..<broken.range.upperBound, at: 0)
    }
    advance(task, in: session)
  }
}
