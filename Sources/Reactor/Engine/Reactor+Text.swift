import ISCSI
import LinuxIO
import Wire

/// Text exchanges in full feature phase, which a target asks for by Async Message 4.
extension Reactor {
  /// Sends an empty Text Request; a Logout says as well that we have heard (RFC 7143, 11.9.1).
  mutating func beginText(session index: Int) {
    guard sessions[index].state == .up, sessions[index].text == nil else { return }
    guard sessions[index].transmit.freeCount > 0 else { return requestLogout(session: index) }
    sessions[index].text = TextExchange()
    sessions[index].textCount &+= 1
    sessions[index].textDeadline = now &+ Interval.command
    nextTick = min(nextTick, sessions[index].textDeadline)
    sendText([], session: index, lun: 0, targetTransferTag: .reserved)
  }

  /// Immediate, so that it needs no room in the target's command window.
  private mutating func sendText(
    _ text: [UInt8], session index: Int, lun: UInt64, targetTransferTag: TargetTransferTag
  ) {
    var request = TextRequest(
      isFinal: true, isImmediate: true, lun: lun, initiatorTaskTag: sessions[index].textTag,
      targetTransferTag: targetTransferTag, cmdSN: sessions[index].machine.cmdSN,
      expStatSN: sessions[index].machine.expStatSN)
    request.header.dataSegmentLength = text.count
    let storage = unsafe sessions[index].textStorage.baseAddress
    unsafe text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      // SAFETY: an exchange's answer is bounded below a page.
      unsafe storage.copyMemory(from: base, byteCount: bytes.count)
    }
    unsafe sessions[index].transmit.append(
      request.header, payload: text.isEmpty ? nil : storage,
      parameters: sessions[index].machine.parameters)
    sessionsToPump |= 1 << UInt64(index)
  }

  /// The target answers a Text Request, or goes on asking.
  mutating func receive(
    _ response: TextResponse, _ data: borrowing RawSpan, session index: Int
  ) throws(ProtocolViolation) {
    let header = response.header
    guard sessions[index].text != nil, header.initiatorTaskTag == sessions[index].textTag,
      var exchange = sessions[index].text
    else { throw .unknownTask(.textResponse, header.initiatorTaskTag) }
    try sessions[index].machine.advanceStatus(from: header)
    var bytes = [UInt8]()
    for offset in 0..<data.byteCount { bytes.append(data.byte(at: offset)) }
    let step = try exchange.receive(response, data: bytes)
    if let length = exchange.maxXmitDataSegmentLength {
      sessions[index].machine.declare(maxXmitDataSegmentLength: length)
    }
    switch step {
    case .done: sessions[index].text = nil
    case .request where sessions[index].state != .up:
      // Nothing follows a Logout Request.
      sessions[index].text = nil
    case .request(let text):
      guard sessions[index].transmit.freeCount > 0 else {
        throw .unexpectedForTask(.textResponse, header.initiatorTaskTag)
      }
      sessions[index].text = exchange
      sendText(
        text, session: index, lun: header.word1, targetTransferTag: header.targetTransferTag)
    }
  }

  /// A target that began an exchange and does not end it is given up.
  mutating func tickText(session index: Int) {
    guard sessions[index].text != nil else { return }
    guard now < sessions[index].textDeadline else {
      return lose(session: index, .commandTimedOut)
    }
    nextTick = min(nextTick, sessions[index].textDeadline)
  }
}
