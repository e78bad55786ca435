import ISCSI
import LinuxIO
import Wire

/// Text exchanges in full feature phase, which a target asks for by Async Message 4.
extension Reactor {
  /// Sends an empty Text Request; a Logout says as well that we have heard (RFC 7143, 11.9.1).
  mutating func beginText(connection index: Int) {
    guard connections[index].state == .up, connections[index].text == nil else { return }
    guard connections[index].transmit.freeCount > 0 else {
      return requestLogout(connection: index, withinSeconds: 0)
    }
    connections[index].text = TextExchange()
    connections[index].textCount &+= 1
    connections[index].textDeadline = now &+ Interval.command
    nextTick = min(nextTick, connections[index].textDeadline)
    sendText([], connection: index, lun: 0, targetTransferTag: .reserved)
  }

  /// Immediate, so that it needs no room in the target's command window.
  private mutating func sendText(
    _ text: [UInt8], connection index: Int, lun: UInt64, targetTransferTag: TargetTransferTag
  ) {
    var request = TextRequest(
      isFinal: true, isImmediate: true, lun: lun, initiatorTaskTag: connections[index].textTag,
      targetTransferTag: targetTransferTag, cmdSN: window(of: index).cmdSN,
      expStatSN: connections[index].machine.expStatSN)
    request.header.dataSegmentLength = text.count
    let storage = unsafe connections[index].textStorage.baseAddress
    unsafe text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      // SAFETY: an exchange's answer is bounded below a page.
      unsafe storage.copyMemory(from: base, byteCount: bytes.count)
    }
    unsafe connections[index].transmit.append(
      request.header, payload: text.isEmpty ? nil : storage,
      parameters: connections[index].machine.parameters)
    connectionsToPump |= 1 << UInt64(index)
  }

  /// The target answers a Text Request, or goes on asking.
  mutating func receive(
    _ response: TextResponse, _ data: borrowing RawSpan, connection index: Int
  ) throws(ProtocolViolation) {
    let header = response.header
    guard connections[index].text != nil, header.initiatorTaskTag == connections[index].textTag,
      var exchange = connections[index].text
    else { throw .unknownTask(.textResponse, header.initiatorTaskTag) }
    try connections[index].machine.advanceStatus(from: header)
    var bytes = [UInt8]()
    for offset in 0..<data.byteCount { bytes.append(data.byte(at: offset)) }
    let step = try exchange.receive(response, data: bytes)
    if let length = exchange.maxXmitDataSegmentLength {
      connections[index].machine.declare(maxXmitDataSegmentLength: length)
    }
    switch step {
    case .done: connections[index].text = nil
    case .request where connections[index].state != .up:
      // Nothing follows a Logout Request.
      connections[index].text = nil
    case .request(let text):
      guard connections[index].transmit.freeCount > 0 else {
        throw .unexpectedForTask(.textResponse, header.initiatorTaskTag)
      }
      connections[index].text = exchange
      sendText(
        text, connection: index, lun: header.word1, targetTransferTag: header.targetTransferTag)
    }
  }

  /// A target that began an exchange and does not end it is given up.
  mutating func tickText(connection index: Int) {
    guard connections[index].text != nil else { return }
    guard now < connections[index].textDeadline else {
      return lose(connection: index, .commandTimedOut)
    }
    nextTick = min(nextTick, connections[index].textDeadline)
  }
}
