package import ISCSI
import SCSI
import Wire

/// Which PDU goes where, and the PDUs that need no machine of their own.
extension TargetConnection {
  func handle(_ unit: ProtocolDataUnit) {
    switch phase {
    case .login(var progress):
      guard unit.header.opcode == .loginRequest else { return close() }
      // Taken out of the enum while it changes.
      login(unit, &progress)
      if case .login = phase { phase = .login(progress) }
    case .fullFeature(let session):
      handle(unit, in: session)
    case .closed:
      return
    }
  }

  private func handle(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    if recovers { sentUnits.acknowledge(unit.header.expStatSN) }
    if recoversConnections { session.acknowledge(unit.header.expStatSN, on: self) }
    switch unit.header.opcode {
    case .dataOut where session.target != nil:
      dataOut(unit, in: session)
    case .nopOut, .textRequest, .logoutRequest:
      take(unit, in: session)
    case .scsiCommand where session.target != nil,
      .taskManagementRequest where session.target != nil:
      take(unit, in: session)
    case .snackRequest:
      snack(unit, in: session)
    case .loginRequest:
      reject(unit, .protocolError)
      close()
    case .dataOut, .scsiCommand, .taskManagementRequest:
      // In a discovery session only Text and Logout belong (RFC 7143, 4.3).
      reject(unit, .protocolError)
    default:
      reject(unit, .commandNotSupported)
    }
  }

  /// Runs what the PDU lets run, each on the connection it came on.
  private func take(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    for ready in session.admit(unit, on: self) {
      ready.connection.execute(ready.unit, in: session)
      for data in ready.data { ready.connection.dataOut(data, in: session) }
    }
  }

  /// Runs a PDU whose turn in CmdSN order has come.
  private func execute(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    switch unit.header.opcode {
    case .nopOut: nopOut(unit, in: session)
    case .scsiCommand: command(unit, in: session)
    case .taskManagementRequest: taskManagement(unit, in: session)
    case .textRequest: text(unit, in: session)
    default: logout(unit, in: session)
    }
  }

  /// Sends a Reject with the header of what could not be taken (RFC 7143, 11.17).
  package func reject(_ unit: ProtocolDataUnit, _ reason: Reject.Reason) {
    guard let session else { return }
    let header = ProtocolDataUnit(
      header: unit.header, additionalHeader: unit.additionalHeader, data: unit.data
    ).encoded().prefix(BasicHeaderSegment.byteCount + unit.additionalHeader.count)
    send(
      Reject(
        reason: reason, statSN: takeStatSN(), expCmdSN: session.expCmdSN,
        maxCmdSN: session.maxCmdSN()
      ).header, data: Array(header))
  }

  /// Pings the initiator, which must answer; returns the tag it will answer with.
  @discardableResult
  package func ping(data: [UInt8] = []) -> TargetTransferTag? {
    guard let session else { return nil }
    let tag = makeTransferTag()
    // A ping does not take a StatSN: it bears the next one (RFC 7143, 11.19).
    send(
      NOPIn(
        targetTransferTag: tag, statSN: statSN, expCmdSN: session.expCmdSN,
        maxCmdSN: session.maxCmdSN()
      ).header, data: data)
    return tag
  }

  /// Speaks unasked; a SCSI asynchronous event bears `sense`.
  package func sendAsync(
    _ event: AsyncMessage.Event, logicalUnitNumber: UInt64 = 0,
    parameters: (UInt16, UInt16, UInt16) = (0, 0, 0), sense: SenseData? = nil
  ) {
    guard let session else { return }
    send(
      AsyncMessage(
        event: event, logicalUnit: LogicalUnitNumber(rawValue: logicalUnitNumber),
        parameters: parameters, statSN: takeStatSN(), expCmdSN: session.expCmdSN,
        maxCmdSN: session.maxCmdSN()
      ).header, data: sense.map { Self.senseSegment($0, descriptorFormat: false) } ?? [])
  }

  /// Sense data behind its two-byte length (RFC 7143, 11.4.7).
  static func senseSegment(_ sense: SenseData, descriptorFormat: Bool) -> [UInt8] {
    let bytes = sense.encoded(descriptorFormat: descriptorFormat)
    return [0, UInt8(bytes.count)] + bytes
  }

  private func nopOut(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    // Without a tag it answers our ping or acknowledges StatSN: nothing to say.
    guard unit.header.initiatorTaskTag != .reserved else { return }
    send(
      NOPIn(
        logicalUnit: LogicalUnitNumber(rawValue: unit.header.word1),
        initiatorTaskTag: unit.header.initiatorTaskTag, statSN: takeStatSN(),
        expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN()
      ).header, data: Array(unit.data.prefix(negotiated.maxSendDataSegmentLength)))
  }

  private func logout(_ unit: ProtocolDataUnit, in session: SimulatedSession) {
    let request = LogoutRequest(unit.header)
    let response: LogoutResponse.Response
    var ending: [TargetConnection] = []
    switch request.reason {
    case .closeSession: ending = session.connections
    case .closeConnection:
      ending = session.connections.filter { $0.connectionID == request.connectionID }
    case .removeConnectionForRecovery: break
    case nil: return reject(unit, .invalidPDUField)
    }
    if request.reason == .removeConnectionForRecovery {
      if !recoversConnections {
        response = .recoveryNotSupported
      } else if request.connectionID != connectionID,
        session.removeForRecovery(request.connectionID, at: portal.now)
      {
        response = .closed
      } else {
        response = .connectionIDNotFound
      }
    } else {
      response = ending.isEmpty ? .connectionIDNotFound : .closed
    }
    send(
      LogoutResponse(
        response: response, initiatorTaskTag: unit.header.initiatorTaskTag,
        statSN: takeStatSN(), expCmdSN: session.expCmdSN, maxCmdSN: session.maxCmdSN(),
        time2Wait: UInt16(negotiated.defaultTime2Wait),
        time2Retain: UInt16(negotiated.defaultTime2Retain)
      ).header)
    for connection in ending {
      session.endTasks(on: connection)
      connection.leave(resetting: false)
    }
  }
}
