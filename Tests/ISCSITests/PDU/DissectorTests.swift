import Dissector
import FoundationEssentials
import Lab
import SCSI
import Testing
import Wire

@testable import ISCSI

/// Every code we have a name for, and where each field stands, held to Wireshark's dissector: it
/// does not share our reading of RFC 7143 and 7144.
@Suite(
  "PDUs as tshark reads them",
  .enabled(
    if: Dissection.objection == nil, Comment(rawValue: "needs \(Dissection.objection ?? "")")))
struct DissectorTests {
  private static let lun = LogicalUnitNumber(number: 5)
  private static let statSN = SerialNumber(rawValue: 0x0102_0304)
  private static let expCmdSN = SerialNumber(rawValue: 0x1122_3344)
  private static let maxCmdSN = SerialNumber(rawValue: 0x1122_3399)
  private static let tag = InitiatorTaskTag(rawValue: 0xA1B2_C3D4)
  private static let transferTag = TargetTransferTag(rawValue: 0x5566_7788)

  /// What tshark prints of each unit.
  private func dissect(
    _ units: [ProtocolDataUnit], headerDigest: Bool = false, dataDigest: Bool = false
  ) async throws -> Dissection {
    var capture = PDUCapture()
    for unit in units {
      let isLogin = [.loginRequest, .loginResponse].contains(unit.header.opcode)
      capture.append(
        unit, headerDigest: headerDigest && !isLogin, dataDigest: dataDigest && !isLogin)
    }
    let path = "\(Lab.temporaryDirectory)/iscsifs-dissector-\(UInt64.random(in: 0 ... .max)).pcap"
    try Data(capture.bytes).write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try await Dissection(of: path, port: PDUCapture.targetPort)
  }

  /// Expects tshark to read each unit as our types do, with no remark but those that are excused.
  private func expectAgreement(
    _ units: [ProtocolDataUnit], excusing excuse: String? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let dissection = try await dissect(units)
    #expect(dissection.packets.count == units.count, sourceLocation: sourceLocation)
    for (unit, packet) in zip(units, dissection.packets) {
      #expect(packet.differences(from: unit) == [], sourceLocation: sourceLocation)
      #expect(
        packet.remarks.filter { $0 != excuse } == [], "\(unit.header.opcode.name)",
        sourceLocation: sourceLocation)
    }
  }

  /// A part of a transfer whose command is not in the capture is shown without its CDB.
  @Test("every PDU of the vectors has its fields where tshark finds them")
  func vectors() async throws {
    let units = PDUVector.all.map(\.unit).filter { $0.header.opcode != .reject }
    try await expectAgreement(
      units, excusing: "Unknown SCSI exchange, can not decode SCSI data")
  }

  /// tshark 4.0 takes no PDU with a function or a response of RFC 7144: these differ from another
  /// one in their number only, which is that of FreeBSD's iscsi_proto.h.
  @Test("task management functions 1 to 12, with tags, RefCmdSN and LUN")
  func functions() async throws {
    let units = (1...12 as ClosedRange<UInt8>).compactMap {
      TaskManagementRequest.Function(rawValue: $0)
    }.map { function in
      ProtocolDataUnit(
        header: TaskManagementRequest(
          function: function, logicalUnit: Self.lun, initiatorTaskTag: Self.tag,
          referencedTaskTag: InitiatorTaskTag(rawValue: 0x99), cmdSN: Self.expCmdSN,
          expStatSN: Self.statSN, refCmdSN: SerialNumber(rawValue: 0x77)
        ).header)
    }
    #expect(units.count == 12)
    try await expectAgreement(Array(units[..<8]))
    let newer: [TaskManagementRequest.Function] = [
      .queryTask, .queryTaskSet, .nexusReset, .queryAsynchronousEvent,
    ]
    for (number, (function, unit)) in zip((9 as UInt8)..., zip(newer, units[8...])) {
      #expect(TaskManagementRequest(unit.header).function == function)
      var header = unit.header
      #expect(header.flags == 0x80 | number)
      header.flags = 0x88
      #expect(header == units[7].header)
    }
    let names: [(TaskManagementRequest.Function, String)] = [
      (.abortTask, "Abort Task"), (.abortTaskSet, "Abort Task Set"), (.clearACA, "Clear ACA"),
      (.clearTaskSet, "Clear Task Set"), (.logicalUnitReset, "Logical Unit Reset"),
      (.targetWarmReset, "Target Warm Reset"), (.targetColdReset, "Target Cold Reset"),
      (.taskReassign, "Target Reassign"),
    ]
    let known = await Dissection.names(of: "iscsi.taskmanfun.function")
    for (function, name) in names { #expect(known[UInt16(function.rawValue)] == name) }
  }

  @Test("task management responses, each by its name")
  func responses() async throws {
    let names: [(TaskManagementResponse.Response, String?)] = [
      (.functionComplete, "Function complete"), (.taskDoesNotExist, "Task not in task set"),
      (.logicalUnitDoesNotExist, "LUN does not exist"),
      (.taskStillAllegiant, "Task still allegiant"),
      (.taskAllegianceReassignmentNotSupported, "Task failover not supported"),
      (.functionNotSupported, "Task management function not supported"),
      (.functionAuthorizationFailed, "Authorisation failed"),
      (.functionRejected, "Function rejected"),
      // RFC 7144's.
      (.functionSucceeded, nil),
    ]
    #expect(TaskManagementResponse.Response.functionSucceeded.rawValue == 7)
    try await expectAgreement(
      names.dropLast().map { response, _ in
        ProtocolDataUnit(
          header: TaskManagementResponse(
            response: response, initiatorTaskTag: Self.tag, statSN: Self.statSN,
            expCmdSN: Self.expCmdSN, maxCmdSN: Self.maxCmdSN
          ).header)
      })
    let known = await Dissection.names(of: "iscsi.taskmanfun.response")
    for (response, name) in names { #expect(known[UInt16(response.rawValue)] == name) }
  }

  @Test("events of Async Messages with their parameters, each by its name")
  func events() async throws {
    let names: [(AsyncMessage.Event, String?)] = [
      (.scsiAsyncEvent, "A SCSI asynchronous event is reported in the sense data"),
      (.logoutRequested, "Target requests logout"),
      (.connectionDropped, "Target will/has dropped connection"),
      (.allConnectionsDropped, "Target will/has dropped all connections"),
      (.negotiationRequested, "Target requests parameter negotiation"),
      // RFC 7143's own event, and a vendor's: tshark 4.0 has no name for them.
      (.taskTermination, nil), (.vendorSpecific, nil),
    ]
    try await expectAgreement(
      names.map { event, _ in
        ProtocolDataUnit(
          header: AsyncMessage(
            event: event, logicalUnit: Self.lun, vendorCode: 0x42,
            parameters: (0x0102, 0x0304, 0x0506), statSN: Self.statSN, expCmdSN: Self.expCmdSN,
            maxCmdSN: Self.maxCmdSN
          ).header)
      })
    let known = await Dissection.names(of: "iscsi.asyncevent")
    for (event, name) in names { #expect(known[UInt16(event.rawValue)] == name) }
  }

  @Test("reasons of Rejects with the header they reject, each by its name")
  func reasons() async throws {
    let names: [(Reject.Reason, String)] = [
      (.dataDigestError, "Data (payload) digest error"), (.snackReject, "Data SNACK reject"),
      (.protocolError, "Protocol error"),
      (.commandNotSupported, "Command not supported in this session type"),
      (.immediateCommandReject, "Immediate command reject (too many immediate commands)"),
      (.taskInProgress, "Task in progress"), (.invalidDataACK, "Invalid Data Ack"),
      (.invalidPDUField, "Invalid PDU field"), (.longOperationReject, "Long operation reject"),
      (.waitingForLogout, "Waiting for logout"),
    ]
    let rejected = TaskManagementRequest(
      function: .queryTaskSet, logicalUnit: Self.lun, initiatorTaskTag: Self.tag,
      cmdSN: Self.expCmdSN, expStatSN: Self.statSN)
    let units = names.map { reason, _ in
      ProtocolDataUnit(
        header: Reject(
          reason: reason, statSN: Self.statSN, expCmdSN: Self.expCmdSN, maxCmdSN: Self.maxCmdSN,
          dataSN: 3
        ).header, data: ProtocolDataUnit(header: rejected.header).encoded())
    }
    try await expectAgreement(units)
    let known = await Dissection.names(of: "iscsi.reject.reason")
    for (reason, name) in names { #expect(known[UInt16(reason.rawValue)] == name) }
  }

  @Test("SNACKs of every type with BegRun and RunLength, logouts with reason and response")
  func snacksAndLogouts() async throws {
    let kinds: [(SNACKRequest.Kind, String)] = [
      (.dataOrR2T, "Data/R2T"), (.status, "Status"), (.dataACK, "Data ACK"), (.rData, "R-Data"),
    ]
    var units = kinds.map { kind, _ in
      // Which tag is reserved depends on the type (11.16.1).
      let isOfTask = kind == .dataOrR2T || kind == .rData
      return ProtocolDataUnit(
        header: SNACKRequest(
          kind: kind, lun: Self.lun.rawValue, initiatorTaskTag: isOfTask ? Self.tag : .reserved,
          targetTransferTag: kind == .dataACK || kind == .rData ? Self.transferTag : .reserved,
          expStatSN: Self.statSN, begRun: 0x0A0B_0C0D, runLength: 0x0E0F
        ).header)
    }
    for reason in 0...2 as ClosedRange<UInt8> {
      let reason = try #require(LogoutRequest.Reason(rawValue: reason))
      units.append(
        ProtocolDataUnit(
          header: LogoutRequest(
            reason: reason, initiatorTaskTag: Self.tag, connectionID: 0x0908,
            cmdSN: Self.expCmdSN, expStatSN: Self.statSN
          ).header))
    }
    for response in 0...3 as ClosedRange<UInt8> {
      let response = try #require(LogoutResponse.Response(rawValue: response))
      units.append(
        ProtocolDataUnit(
          header: LogoutResponse(
            response: response, initiatorTaskTag: Self.tag, statSN: Self.statSN,
            expCmdSN: Self.expCmdSN, maxCmdSN: Self.maxCmdSN, time2Wait: 2, time2Retain: 0x1234
          ).header))
    }
    try await expectAgreement(units)
    let known = await Dissection.names(of: "iscsi.snack.type")
    for (kind, name) in kinds { #expect(known[UInt16(kind.rawValue)] == name) }
  }

  @Test("L34, L35, L36 statuses of a Login Response: those with words here are those tshark knows")
  func statuses() async throws {
    let known = await Dissection.names(of: "iscsi.login.status")
    let named = (0...0x4FF as ClosedRange<UInt16>).filter { code in
      let status = LoginStatus(statusClass: UInt8(code >> 8), detail: UInt8(code & 0xFF))
      // A success has no details.
      return status.description != "Unknown status" && (code == 0 || code > 0xFF)
    }
    #expect(Set(known.keys) == Set(named) && known.count >= 18)
    try await expectAgreement(
      named.map { code in
        ProtocolDataUnit(
          header: LoginResponse(
            current: .securityNegotiation, next: nil, isid: ISID(random: 0x12_3456, qualifier: 1),
            tsih: 0, initiatorTaskTag: Self.tag, statSN: Self.statSN, expCmdSN: Self.expCmdSN,
            maxCmdSN: Self.maxCmdSN, statusClass: UInt8(code >> 8),
            statusDetail: UInt8(code & 0xFF)
          ).header)
      })
  }
}
