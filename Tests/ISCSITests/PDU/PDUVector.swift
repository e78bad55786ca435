import SCSI
import Wire

@testable import ISCSI

/// One PDU as its constructor makes it, and as RFC 7143 draws it.
struct PDUVector {
  let clause: String
  let unit: ProtocolDataUnit
  /// The header byte by byte in the RFC's rows of four, then the data segment with padding.
  let wire: String

  init(_ clause: String, _ header: BasicHeaderSegment, data: [UInt8] = [], _ wire: String) {
    self.clause = clause
    unit = ProtocolDataUnit(header: header, data: data)
    self.wire = wire
  }

  private static let lun = LogicalUnitNumber(rawValue: 0x0001_0000_0000_0000)
  private static func number(_ value: UInt32) -> SerialNumber { SerialNumber(rawValue: value) }
  private static func task(_ value: UInt32) -> InitiatorTaskTag {
    InitiatorTaskTag(rawValue: value)
  }
  private static func transfer(_ value: UInt32) -> TargetTransferTag {
    TargetTransferTag(rawValue: value)
  }
  private static let isid = ISID(random: 0x12_3456, qualifier: 1)

  static let all: [PDUVector] = fromInitiator + fromTarget

  static let fromInitiator: [PDUVector] = [
    PDUVector(
      "11.18 NOP-Out",
      NOPOut(initiatorTaskTag: task(0x1122_3344), cmdSN: number(5), expStatSN: number(6)).header,
      """
      40 80 00 00  00 00 00 00  00000000 00000000  11223344  ffffffff
      00000005  00000006  00000000 00000000 00000000 00000000
      """),
    PDUVector(
      "11.5 Task Management Function Request",
      TaskManagementRequest(
        function: .abortTask, logicalUnit: lun, initiatorTaskTag: task(0x20),
        referencedTaskTag: task(7), cmdSN: number(9), expStatSN: number(10), refCmdSN: number(8),
        expDataSN: 2
      ).header,
      """
      42 81 00 00  00 00 00 00  00010000 00000000  00000020  00000007
      00000009  0000000a  00000008  00000002  00000000 00000000
      """),
    PDUVector(
      "11.5 TASK REASSIGN is function 8",
      TaskManagementRequest(
        function: .taskReassign, logicalUnit: lun, initiatorTaskTag: task(0x21), cmdSN: number(9),
        expStatSN: number(10)
      ).header,
      """
      42 88 00 00  00 00 00 00  00010000 00000000  00000021  ffffffff
      00000009  0000000a  00000000  00000000  00000000 00000000
      """),
    PDUVector(
      "11.12 Login Request",
      LoginRequest(
        current: .securityNegotiation, next: .operationalNegotiation, isid: isid, tsih: 0x0708,
        initiatorTaskTag: task(3), connectionID: 1, cmdSN: number(1), expStatSN: number(2)
      ).header,
      """
      43 81 00 00  00 00 00 00  80 12 34 56  00 01  07 08  00000003  00 01 00 00
      00000001  00000002  00000000 00000000 00000000 00000000
      """),
    PDUVector(
      "11.12 Login Request, C bit",
      LoginRequest(
        current: .operationalNegotiation, next: nil, continues: true, isid: isid, tsih: 0,
        initiatorTaskTag: task(3), connectionID: 1, cmdSN: number(1), expStatSN: number(2)
      ).header,
      """
      43 44 00 00  00 00 00 00  80 12 34 56  00 01  00 00  00000003  00 01 00 00
      00000001  00000002  00000000 00000000 00000000 00000000
      """),
    PDUVector(
      "11.10 Text Request",
      TextRequest(
        isFinal: true, initiatorTaskTag: task(5), cmdSN: number(2), expStatSN: number(3)
      ).header, data: Array("SendTargets=All\0".utf8),
      """
      04 80 00 00  00 00 00 10  00000000 00000000  00000005  ffffffff
      00000002  00000003  00000000 00000000 00000000 00000000
      53656e64 54617267 6574733d 416c6c00
      """),
    PDUVector(
      "11.7 SCSI Data-Out",
      DataOut(
        logicalUnit: lun, initiatorTaskTag: task(7), targetTransferTag: transfer(0x55),
        expStatSN: number(11), dataSN: 3, bufferOffset: 0x2000, length: 5, isFinal: true
      ).header, data: [0xDE, 0xAD, 0xBE, 0xEF, 0x01],
      """
      05 80 00 00  00 00 00 05  00010000 00000000  00000007  00000055
      00000000  0000000b  00000000  00000003  00002000  00000000
      deadbeef 01000000
      """),
    PDUVector(
      "11.14 Logout Request",
      LogoutRequest(
        reason: .closeConnection, initiatorTaskTag: task(6), connectionID: 0x0102,
        cmdSN: number(2), expStatSN: number(3)
      ).header,
      """
      46 81 00 00  00 00 00 00  00000000 00000000  00000006  0102 0000
      00000002  00000003  00000000 00000000 00000000 00000000
      """),
    PDUVector(
      "11.16 SNACK Request",
      SNACKRequest(
        kind: .status, initiatorTaskTag: .reserved, targetTransferTag: .reserved,
        expStatSN: number(12), begRun: 4, runLength: 2
      ).header,
      """
      10 81 00 00  00 00 00 00  00000000 00000000  ffffffff  ffffffff
      00000000  0000000c  00000000 00000000  00000004  00000002
      """),
  ]

  static let fromTarget: [PDUVector] = [
    PDUVector(
      "11.19 NOP-In",
      NOPIn(
        targetTransferTag: transfer(0x33), statSN: number(13), expCmdSN: number(14),
        maxCmdSN: number(15)
      ).header,
      """
      20 80 00 00  00 00 00 00  00000000 00000000  ffffffff  00000033
      0000000d  0000000e  0000000f  00000000  00000000 00000000
      """),
    PDUVector(
      "11.4 SCSI Response",
      SCSIResponse(
        initiatorTaskTag: task(7), status: SCSIStatus(rawValue: 2), response: 1,
        snackTag: 0x0A0B_0C0D, statSN: number(13), expCmdSN: number(14), maxCmdSN: number(15),
        expDataSN: 1,
        residual: .underflow(0x200)
      ).header,
      """
      21 82 01 02  00 00 00 00  00000000 00000000  00000007  0a0b0c0d
      0000000d  0000000e  0000000f  00000001  00000000  00000200
      """),
    PDUVector(
      "11.6 Task Management Function Response",
      TaskManagementResponse(
        response: .functionRejected, initiatorTaskTag: task(0x20), statSN: number(13),
        expCmdSN: number(14), maxCmdSN: number(15)
      ).header,
      """
      22 80 ff 00  00 00 00 00  00000000 00000000  00000020  00000000
      0000000d  0000000e  0000000f  00000000  00000000 00000000
      """),
    PDUVector(
      "11.13 Login Response",
      LoginResponse(
        current: .operationalNegotiation, next: .fullFeaturePhase, isid: isid, tsih: 0x1234,
        initiatorTaskTag: task(3), statSN: number(13), expCmdSN: number(14), maxCmdSN: number(15),
        statusClass: 2, statusDetail: 1
      ).header,
      """
      23 87 00 00  00 00 00 00  80 12 34 56  00 01  12 34  00000003  00000000
      0000000d  0000000e  0000000f  02 01 00 00  00000000 00000000
      """),
    PDUVector(
      "11.11 Text Response",
      TextResponse(
        isFinal: false, continues: true, initiatorTaskTag: task(5),
        targetTransferTag: transfer(0x99), statSN: number(13), expCmdSN: number(14),
        maxCmdSN: number(15)
      ).header, data: [0x41],
      """
      24 40 00 00  00 00 00 01  00000000 00000000  00000005  00000099
      0000000d  0000000e  0000000f  00000000  00000000 00000000
      41000000
      """),
    PDUVector(
      "11.7 SCSI Data-In with status",
      DataIn(
        initiatorTaskTag: task(7), isFinal: true,
        status: (status: SCSIStatus(rawValue: 8), statSN: number(13), residual: .overflow(5)),
        expCmdSN: number(14), maxCmdSN: number(15), dataSN: 2, bufferOffset: 0x1000
      ).header, data: [1, 2, 3, 4],
      """
      25 85 00 08  00 00 00 04  00000000 00000000  00000007  ffffffff
      0000000d  0000000e  0000000f  00000002  00001000  00000005
      01020304
      """),
    PDUVector(
      "11.15 Logout Response",
      LogoutResponse(
        response: .cleanupFailed, initiatorTaskTag: task(6), statSN: number(13),
        expCmdSN: number(14), maxCmdSN: number(15), time2Wait: 2, time2Retain: 20
      ).header,
      """
      26 80 03 00  00 00 00 00  00000000 00000000  00000006  00000000
      0000000d  0000000e  0000000f  00000000  0002 0014  00000000
      """),
    PDUVector(
      "11.8 R2T",
      ReadyToTransfer(
        logicalUnit: lun, initiatorTaskTag: task(7), targetTransferTag: transfer(0x55),
        statSN: number(13), expCmdSN: number(14), maxCmdSN: number(15), r2tSN: 1,
        bufferOffset: 0x2000, desiredDataTransferLength: 0x4000
      ).header,
      """
      31 80 00 00  00 00 00 00  00010000 00000000  00000007  00000055
      0000000d  0000000e  0000000f  00000001  00002000  00004000
      """),
    PDUVector(
      "11.9 Asynchronous Message",
      AsyncMessage(
        event: .connectionDropped, logicalUnit: lun, vendorCode: 0x99,
        parameters: (0x0102, 0x0304, 0x0506), statSN: number(13), expCmdSN: number(14),
        maxCmdSN: number(15)
      ).header,
      """
      32 80 00 00  00 00 00 00  00010000 00000000  ffffffff  00000000
      0000000d  0000000e  0000000f  02 99 0102  0304 0506  00000000
      """),
    PDUVector(
      "11.17 Reject",
      Reject(
        reason: .protocolError, statSN: number(13), expCmdSN: number(14), maxCmdSN: number(15),
        dataSN: 6
      ).header, data: [0x01, 0, 0, 0],
      """
      3f 80 04 00  00 00 00 04  00000000 00000000  ffffffff  00000000
      0000000d  0000000e  0000000f  00000006  00000000 00000000
      01000000
      """),
  ]
}
