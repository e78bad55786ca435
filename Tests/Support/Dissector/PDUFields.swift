package import ISCSI
import SCSI
import Wire

/// What our types read in a PDU, under the names Wireshark's dissector has for its fields.
///
/// Numbers are decimal, several values of a field are in the order they stand in the PDU.
package struct PDUFields: Equatable, Sendable {
  package private(set) var values: [String: [String]] = [:]

  /// Every field a PDU may have here.
  package static let names = [
    "iscsi.opcode", "iscsi.I", "iscsi.initiatortasktag", "iscsi.targettransfertag", "scsi.lun",
    "iscsi.datasegmentlength", "iscsi.cmdsn", "iscsi.expstatsn", "iscsi.statsn", "iscsi.expcmdsn",
    "iscsi.maxcmdsn", "iscsi.scsicommand.F", "iscsi.scsicommand.R", "iscsi.scsicommand.W",
    "iscsi.scsicommand.attr", "iscsi.scsicommand.expecteddatatransferlength",
    "iscsi.taskmanfun.function", "iscsi.taskmanfun.referencedtasktag", "iscsi.refcmdsn",
    "iscsi.taskmanfun.response", "iscsi.login.T", "iscsi.login.C", "iscsi.login.csg",
    "iscsi.login.nsg", "iscsi.versionmax", "iscsi.versionmin", "iscsi.versionactive",
    "iscsi.isid", "iscsi.tsih", "iscsi.cid", "iscsi.login.status", "iscsi.keyvalue",
    "iscsi.text.F", "iscsi.text.C", "iscsi.scsidata.F", "iscsi.scsidata.A", "iscsi.scsidata.S",
    "iscsi.scsidata.O", "iscsi.scsidata.U", "iscsi.datasn", "iscsi.bufferOffset",
    "iscsi.scsidata.readresidualcount", "iscsi.scsiresponse.response",
    "iscsi.scsiresponse.status", "iscsi.scsiresponse.residualcount", "iscsi.expdatasn",
    "iscsi.r2tsn", "iscsi.desireddatalength", "iscsi.logout.reason", "iscsi.logout.response",
    "iscsi.time2wait", "iscsi.time2retain", "iscsi.asyncevent", "iscsi.eventvendorcode",
    "iscsi.parameter1", "iscsi.parameter2", "iscsi.parameter3", "iscsi.reject.reason",
    "iscsi.snack.type", "iscsi.snack.begrun", "iscsi.snack.runlength",
  ]

  package init(_ unit: ProtocolDataUnit) {
    add(unit)
  }

  private mutating func add(_ unit: ProtocolDataUnit) {
    let header = unit.header
    add("iscsi.opcode", header.opcode.rawValue)
    if header.opcode.rawValue < 0x20 {
      addInitiator(unit)
    } else {
      addTarget(unit)
      add("iscsi.expcmdsn", header.expCmdSN.rawValue)
      add("iscsi.maxcmdsn", header.maxCmdSN.rawValue)
    }
    // Always reserved there: tshark leaves it out.
    if header.opcode != .asyncMessage && header.opcode != .reject {
      add("iscsi.initiatortasktag", header.initiatorTaskTag.rawValue)
    }
    // tshark leaves the lengths of this one out: they are always 0.
    if header.opcode != .taskManagementResponse {
      add("iscsi.datasegmentlength", header.dataSegmentLength)
    }
    if header.opcode == .reject, unit.data.count >= BasicHeaderSegment.byteCount {
      let rejected = unit.data.withRawSpan { BasicHeaderSegment(parsing: $0) }
      var unit = ProtocolDataUnit(header: rejected)
      // Its data are not there, their length is.
      unit.header = rejected
      add(unit)
    }
  }

  private mutating func addInitiator(_ unit: ProtocolDataUnit) {
    let header = unit.header
    add("iscsi.expstatsn", header.expStatSN.rawValue)
    switch header.opcode {
    case .dataOut, .snackRequest, .loginRequest: break
    default: add("iscsi.I", header.isImmediate)
    }
    switch header.opcode {
    case .dataOut, .snackRequest: break
    default: add("iscsi.cmdsn", header.cmdSN.rawValue)
    }
    switch header.opcode {
    case .nopOut: addTagAndUnit(header)
    case .scsiCommand: add(SCSICommand(header))
    case .taskManagementRequest: add(TaskManagementRequest(header))
    case .loginRequest: add(LoginRequest(header), unit)
    case .textRequest: addText(unit, continues: TextRequest(header).continues)
    case .dataOut:
      addTagAndUnit(header)
      add("iscsi.scsidata.F", header.isFinal)
      add("iscsi.datasn", DataOut(header).dataSN)
      add("iscsi.bufferOffset", DataOut(header).bufferOffset)
    case .logoutRequest:
      add("iscsi.logout.reason", LogoutRequest(header).reason?.rawValue)
      add("iscsi.cid", LogoutRequest(header).connectionID)
    case .snackRequest:
      addTagAndUnit(header)
      add("iscsi.snack.type", SNACKRequest(header).kind?.rawValue)
      add("iscsi.snack.begrun", SNACKRequest(header).begRun)
      add("iscsi.snack.runlength", SNACKRequest(header).runLength)
    default: break
    }
  }

  private mutating func addTarget(_ unit: ProtocolDataUnit) {
    let header = unit.header
    if header.opcode != .dataIn || DataIn(header).hasStatus {
      add("iscsi.statsn", header.statSN.rawValue)
    }
    switch header.opcode {
    case .nopIn: addTagAndUnit(header)
    case .scsiResponse: add(SCSIResponse(header))
    case .taskManagementResponse:
      add("iscsi.taskmanfun.response", TaskManagementResponse(header).response?.rawValue)
    case .loginResponse: add(LoginResponse(header), unit)
    case .textResponse: addText(unit, continues: TextResponse(header).continues)
    case .dataIn: add(DataIn(header))
    case .logoutResponse:
      let response = LogoutResponse(header)
      add("iscsi.logout.response", response.response?.rawValue)
      add("iscsi.time2wait", response.time2Wait)
      add("iscsi.time2retain", response.time2Retain)
    case .readyToTransfer:
      let r2t = ReadyToTransfer(header)
      addTagAndUnit(header)
      add("iscsi.r2tsn", r2t.r2tSN)
      add("iscsi.bufferOffset", r2t.bufferOffset)
      add("iscsi.desireddatalength", r2t.desiredDataTransferLength)
    case .asyncMessage: add(AsyncMessage(header))
    case .reject:
      add("iscsi.reject.reason", Reject(header).rawReason)
      add("iscsi.datasn", UInt32(truncatingIfNeeded: header.word4))
    default: break
    }
  }

  private mutating func add(_ command: SCSICommand) {
    addUnit(command.header)
    add("iscsi.scsicommand.F", command.header.isFinal)
    add("iscsi.scsicommand.R", command.isRead)
    add("iscsi.scsicommand.W", command.isWrite)
    add("iscsi.scsicommand.attr", command.attribute?.rawValue)
    add("iscsi.scsicommand.expecteddatatransferlength", command.expectedDataTransferLength)
  }

  private mutating func add(_ request: TaskManagementRequest) {
    addUnit(request.header)
    add("iscsi.taskmanfun.function", request.function?.rawValue)
    add("iscsi.taskmanfun.referencedtasktag", request.referencedTaskTag.rawValue)
    add("iscsi.refcmdsn", request.refCmdSN.rawValue)
  }

  private mutating func add(_ request: LoginRequest, _ unit: ProtocolDataUnit) {
    addLogin(
      request.transits, request.continues, request.current, request.next, request.isid,
      request.tsih)
    add("iscsi.versionmax", request.versionMaximum)
    add("iscsi.versionmin", request.versionMinimum)
    add("iscsi.cid", request.connectionID)
    addPairs(unit.data)
  }

  private mutating func add(_ response: LoginResponse, _ unit: ProtocolDataUnit) {
    addLogin(
      response.transits, response.continues, response.current, response.next, response.isid,
      response.tsih)
    add("iscsi.versionmax", response.versionMaximum)
    add("iscsi.versionactive", response.versionActive)
    add(
      "iscsi.login.status", UInt16(response.statusClass) << 8 | UInt16(response.statusDetail))
    addPairs(unit.data)
  }

  private mutating func addLogin(
    _ transits: Bool, _ continues: Bool, _ current: LoginStage?, _ next: LoginStage?,
    _ isid: ISID, _ tsih: UInt16
  ) {
    add("iscsi.login.T", transits)
    add("iscsi.login.C", continues)
    add("iscsi.login.csg", current?.rawValue)
    if transits { add("iscsi.login.nsg", next?.rawValue) }
    values["iscsi.isid", default: []].append(isid.description)
    add("iscsi.tsih", tsih)
  }

  private mutating func addText(_ unit: ProtocolDataUnit, continues: Bool) {
    addTagAndUnit(unit.header)
    add("iscsi.text.F", unit.header.isFinal)
    add("iscsi.text.C", continues)
    addPairs(unit.data)
  }

  private mutating func add(_ response: SCSIResponse) {
    add("iscsi.scsiresponse.response", response.response)
    add("iscsi.scsiresponse.status", response.status.rawValue)
    add("iscsi.expdatasn", response.expDataSN)
    add("iscsi.scsiresponse.residualcount", response.residual?.count)
  }

  private mutating func add(_ data: DataIn) {
    add("iscsi.scsidata.F", data.header.isFinal)
    add("iscsi.scsidata.A", data.requestsAcknowledgement)
    add("iscsi.scsidata.S", data.hasStatus)
    add("iscsi.datasn", data.dataSN)
    add("iscsi.bufferOffset", data.bufferOffset)
    guard data.hasStatus else { return }
    add("iscsi.scsiresponse.status", data.status.rawValue)
    add("iscsi.scsidata.readresidualcount", data.residual?.count)
  }

  private mutating func add(_ message: AsyncMessage) {
    addUnit(message.header)
    add("iscsi.asyncevent", message.event?.rawValue)
    add("iscsi.eventvendorcode", message.vendorCode)
    add("iscsi.parameter1", message.parameter1)
    add("iscsi.parameter2", message.parameter2)
    add("iscsi.parameter3", message.parameter3)
  }

  private mutating func addTagAndUnit(_ header: BasicHeaderSegment) {
    addUnit(header)
    add("iscsi.targettransfertag", header.targetTransferTag.rawValue)
  }

  private mutating func addUnit(_ header: BasicHeaderSegment) {
    add("scsi.lun", header.word1 >> 48)
  }

  /// Pairs of a PDU of its own: what C says goes on is shown in pieces.
  private mutating func addPairs(_ data: [UInt8]) {
    let pairs = data.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    values["iscsi.keyvalue", default: []] += pairs
  }

  private mutating func add(_ name: String, _ value: (some BinaryInteger)?) {
    // What our types have no name for is no number that tshark prints.
    values[name, default: []].append(value.map { String($0) } ?? "unknown")
  }

  private mutating func add(_ name: String, _ value: Bool) {
    values[name, default: []].append(value ? "1" : "0")
  }
}
