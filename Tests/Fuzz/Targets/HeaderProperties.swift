import ISCSI
import SCSI
import Wire

/// The views of a target's PDUs: what is read from a header and written again is read the same.
enum HeaderProperties {
  /// Reads any header as every PDU a target sends.
  static func check(_ header: BasicHeaderSegment) throws(Disagreement) {
    try checkData(header)
    try checkTasks(header)
    try checkLogin(header)
    try checkNotices(header)
    try hold(header.opcode.name.isPrintable, "an opcode's name is printable")
  }

  private static func checkData(_ header: BasicHeaderSegment) throws(Disagreement) {
    let found = DataIn(header)
    // Both residual flags at once are read as none of the three.
    try hold((found.residual == nil) == (header.flags & 0x06 == 0x06), "residual of both kinds")
    let status = found.residual.map { (found.status, header.statSN, $0) }
    let written = DataIn(
      initiatorTaskTag: header.initiatorTaskTag, targetTransferTag: header.targetTransferTag,
      isFinal: header.isFinal, requestsAcknowledgement: found.requestsAcknowledgement,
      status: found.hasStatus ? status : nil, expCmdSN: header.expCmdSN,
      maxCmdSN: header.maxCmdSN, dataSN: found.dataSN, bufferOffset: found.bufferOffset)
    try agree(written.dataSN, found.dataSN, "DataSN")
    try agree(written.bufferOffset, found.bufferOffset, "Buffer Offset")
    try agree(written.requestsAcknowledgement, found.requestsAcknowledgement, "A bit")
    try agreeNumbers(written.header, header, statSN: found.hasStatus && status != nil)
    if found.hasStatus, let status {
      try agree(written.status, status.0, "status of Data-In")
      try hold(written.hasStatus, "S bit")
      try agree(written.residual?.count, status.2 == .none ? 0 : status.2.count, "residual count")
    }
  }

  private static func checkTasks(_ header: BasicHeaderSegment) throws(Disagreement) {
    let request = ReadyToTransfer(header)
    let asked = ReadyToTransfer(
      logicalUnit: LogicalUnitNumber(rawValue: header.word1),
      initiatorTaskTag: header.initiatorTaskTag, targetTransferTag: header.targetTransferTag,
      statSN: header.statSN, expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN,
      r2tSN: request.r2tSN, bufferOffset: request.bufferOffset,
      desiredDataTransferLength: request.desiredDataTransferLength)
    try agree(asked.r2tSN, request.r2tSN, "R2TSN")
    try agree(asked.bufferOffset, request.bufferOffset, "Buffer Offset of R2T")
    try agree(
      asked.desiredDataTransferLength, request.desiredDataTransferLength, "length of R2T")
    try agreeNumbers(asked.header, header)

    let response = SCSIResponse(header)
    if let residual = response.residual {
      let written = SCSIResponse(
        initiatorTaskTag: header.initiatorTaskTag, status: response.status,
        response: response.response, statSN: header.statSN, expCmdSN: header.expCmdSN,
        maxCmdSN: header.maxCmdSN, expDataSN: response.expDataSN, residual: residual)
      try agree(written.residual, residual, "residual")
      try agree(written.status, response.status, "status")
      try agree(written.response, response.response, "response")
      try agree(written.expDataSN, response.expDataSN, "ExpDataSN")
    }
    if let answer = TaskManagementResponse(header).response {
      let written = TaskManagementResponse(
        response: answer, initiatorTaskTag: header.initiatorTaskTag, statSN: header.statSN,
        expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN)
      try agree(written.response, answer, "task management response")
    }
  }

  private static func checkLogin(_ header: BasicHeaderSegment) throws(Disagreement) {
    let login = LoginResponse(header)
    try hold(login.isid.rawValue < 1 << 48, "an ISID has six bytes")
    try hold(login.isid.description.utf8.count == 12, "an ISID has twelve digits")
    if let current = login.current, let next = login.next {
      let written = LoginResponse(
        current: current, next: login.transits ? next : nil, continues: login.continues,
        isid: login.isid, tsih: login.tsih, initiatorTaskTag: header.initiatorTaskTag,
        statSN: header.statSN, expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN,
        statusClass: login.statusClass, statusDetail: login.statusDetail)
      try agree(written.current, current, "CSG")
      try agree(written.transits, login.transits, "T")
      try agree(written.continues, login.continues, "C")
      try agree(written.isid, login.isid, "ISID")
      try agree(written.tsih, login.tsih, "TSIH")
      try agree(written.statusClass, login.statusClass, "status class")
      try agree(written.statusDetail, login.statusDetail, "status detail")
      try agreeNumbers(written.header, header, targetTransferTag: false)
    }
    let text = TextResponse(header)
    let written = TextResponse(
      isFinal: header.isFinal, continues: text.continues, lun: header.word1,
      initiatorTaskTag: header.initiatorTaskTag, targetTransferTag: header.targetTransferTag,
      statSN: header.statSN, expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN)
    try agree(written.continues, text.continues, "C of text")
    try agreeNumbers(written.header, header)
  }

  private static func checkNotices(_ header: BasicHeaderSegment) throws(Disagreement) {
    let ping = NOPIn(header)
    let nopIn = NOPIn(
      logicalUnit: ping.logicalUnit, initiatorTaskTag: header.initiatorTaskTag,
      targetTransferTag: header.targetTransferTag, statSN: header.statSN,
      expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN)
    try agree(nopIn.logicalUnit, ping.logicalUnit, "LUN of NOP-In")
    try agreeNumbers(nopIn.header, header)
    let message = AsyncMessage(header)
    if let event = message.event {
      let written = AsyncMessage(
        event: event, logicalUnit: message.logicalUnit, vendorCode: message.vendorCode,
        parameters: (message.parameter1, message.parameter2, message.parameter3),
        statSN: header.statSN, expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN)
      try agree(written.event, event, "async event")
      try agree(written.vendorCode, message.vendorCode, "AsyncVCode")
      try agree(written.parameter1, message.parameter1, "Parameter1")
      try agree(written.parameter2, message.parameter2, "Parameter2")
      try agree(written.parameter3, message.parameter3, "Parameter3")
    }
    if let reason = Reject(header).reason {
      let written = Reject(
        reason: reason, statSN: header.statSN, expCmdSN: header.expCmdSN,
        maxCmdSN: header.maxCmdSN)
      try agree(written.rawReason, Reject(header).rawReason, "reason")
    }
    let logout = LogoutResponse(header)
    if let response = logout.response {
      let written = LogoutResponse(
        response: response, initiatorTaskTag: header.initiatorTaskTag, statSN: header.statSN,
        expCmdSN: header.expCmdSN, maxCmdSN: header.maxCmdSN, time2Wait: logout.time2Wait,
        time2Retain: logout.time2Retain)
      try agree(written.response, response, "logout response")
      try agree(written.time2Wait, logout.time2Wait, "Time2Wait")
      try agree(written.time2Retain, logout.time2Retain, "Time2Retain")
    }
  }

  private static func agreeNumbers(
    _ written: BasicHeaderSegment, _ header: BasicHeaderSegment, statSN: Bool = true,
    targetTransferTag: Bool = true
  ) throws(Disagreement) {
    try agree(written.initiatorTaskTag, header.initiatorTaskTag, "Initiator Task Tag")
    try agree(written.expCmdSN, header.expCmdSN, "ExpCmdSN")
    try agree(written.maxCmdSN, header.maxCmdSN, "MaxCmdSN")
    if statSN { try agree(written.statSN, header.statSN, "StatSN") }
    if targetTransferTag {
      try agree(written.targetTransferTag, header.targetTransferTag, "Target Transfer Tag")
    }
  }
}
