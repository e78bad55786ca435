import Glibc
import ISCSI
import LinuxIO
import SCSI
import Testing
import Wire

@testable import Reactor

/// The target's end of a further connection of a harness's session, with a StatSN of its own; or of
/// the only one of another session.
final class FurtherConnection {
  static let firstStatSN: UInt32 = 500

  let harness: ReactorHarness
  let connectionID: UInt16
  let parameters: NegotiatedParameters
  private let target: CInt
  private var assembler = PDUAssembler(maximumDataSegmentLength: 1 << 24 - 1)
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)
  private var statSN = firstStatSN

  /// Joins it to the session, at a place nobody has unless told otherwise.
  ///
  /// - Parameter isSmall: its socket takes little before it is full.
  init(
    _ harness: ReactorHarness, connectionID: UInt16 = 1, place: UInt16 = 9,
    parameters: NegotiatedParameters? = nil, isSmall: Bool = false
  ) throws {
    let pair = try ReactorHarness.pair(SOCK_STREAM)
    if isSmall {
      var size: CInt = 4096
      unsafe setsockopt(pair.ours, SOL_SOCKET, SO_SNDBUF, &size, 4)
    }
    self.harness = harness
    self.connectionID = connectionID
    self.parameters = parameters ?? harness.parameters
    target = pair.theirs
    assembler.headerDigest = self.parameters.headerDigest
    assembler.dataDigest = self.parameters.dataDigest
    harness.port.join(
      harness.home, at: SessionHandle(index: place, generation: 1),
      ConnectionHandover(
        socket: OwnedDescriptor(owning: pair.ours), connectionID: connectionID,
        parameters: self.parameters, cmdSN: SerialNumber(rawValue: 50),
        expStatSN: SerialNumber(rawValue: Self.firstStatSN),
        expCmdSN: SerialNumber(rawValue: 50), maxCmdSN: SerialNumber(rawValue: 60),
        earlyBytes: [], timeouts: harness.timeouts))
    harness.turn()
  }

  /// Starts another session.
  init(_ harness: ReactorHarness, starting session: SessionHandle) throws {
    let pair = try ReactorHarness.pair(SOCK_STREAM)
    self.harness = harness
    connectionID = 0
    parameters = harness.parameters
    target = pair.theirs
    assembler.headerDigest = parameters.headerDigest
    assembler.dataDigest = parameters.dataDigest
    statSN = 100
    harness.start(session, socket: pair.ours)
    harness.turn()
  }

  deinit { close(target) }

  /// Ends the connection.
  func end() {
    shutdown(target, CInt(SHUT_RDWR))
    harness.turn()
  }

  /// The next PDU the reactor sent here, nil when there is none.
  func sent() throws -> ProtocolDataUnit? {
    while true {
      harness.turn()
      if let unit = try assembler.next() { return unit }
      let count = unsafe recv(target, &buffer, 1 << 20, CInt(MSG_DONTWAIT))
      guard count > 0 else { return nil }
      assembler.append(buffer[..<count])
    }
  }

  /// The next SCSI Command the reactor sent here.
  func command() throws -> SCSICommand {
    let unit = try #require(try sent())
    #expect(unit.header.opcode == .scsiCommand)
    return SCSICommand(unit.header)
  }

  /// Whether the reactor has closed its end.
  var isClosed: Bool {
    harness.turn()
    var byte: UInt8 = 0
    while true {
      let count = unsafe recv(target, &byte, 1, CInt(MSG_DONTWAIT))
      if count <= 0 { return count == 0 || errno == ECONNRESET }
    }
  }

  func send(_ header: BasicHeaderSegment, data: [UInt8] = []) {
    let bytes = ProtocolDataUnit(header: header, data: data).encoded(
      headerDigest: parameters.headerDigest, dataDigest: parameters.dataDigest)
    let count = unsafe Glibc.send(target, bytes, bytes.count, CInt(MSG_NOSIGNAL))
    #expect(count == bytes.count)
    harness.turn()
  }

  func nextStatSN() -> SerialNumber {
    defer { statSN &+= 1 }
    return SerialNumber(rawValue: statSN)
  }

  func sendDataIn(_ task: InitiatorTaskTag, _ data: [UInt8]) {
    send(
      DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: data)
  }

  func sendResponse(
    _ task: InitiatorTaskTag, _ status: SCSIStatus = .good, sense: [UInt8] = []
  ) {
    var data = [UInt8]()
    if !sense.isEmpty {
      data.appendBigEndian(UInt16(sense.count))
      data += sense
    }
    send(
      SCSIResponse(
        initiatorTaskTag: task, status: status, statSN: nextStatSN(),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max
      ).header, data: data)
  }

  func sendR2T(_ task: InitiatorTaskTag, transferTag: UInt32, offset: UInt32, length: UInt32) {
    send(
      ReadyToTransfer(
        logicalUnit: LogicalUnitNumber(number: 1), initiatorTaskTag: task,
        targetTransferTag: TargetTransferTag(rawValue: transferTag),
        statSN: SerialNumber(rawValue: statSN), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max, r2tSN: 0, bufferOffset: offset,
        desiredDataTransferLength: length
      ).header)
  }

  /// A NOP-In that wants no answer: it tells the window, and that somebody is there.
  func tell(expCmdSN: UInt32, maxCmdSN: UInt32) {
    send(
      NOPIn(
        statSN: SerialNumber(rawValue: statSN), expCmdSN: SerialNumber(rawValue: expCmdSN),
        maxCmdSN: SerialNumber(rawValue: maxCmdSN)
      ).header)
  }

  func sendAsync(_ event: AsyncMessage.Event, _ parameters: (UInt16, UInt16, UInt16)) {
    send(
      AsyncMessage(
        event: event, parameters: parameters, statSN: nextStatSN(), expCmdSN: harness.window.exp,
        maxCmdSN: harness.window.max
      ).header)
  }

  func sendLogoutResponse(
    _ response: LogoutResponse.Response = .closed, expCmdSN: UInt32? = nil, time2Wait: UInt16 = 2
  ) {
    send(
      LogoutResponse(
        response: response, initiatorTaskTag: Reactor.Tag.logout, statSN: nextStatSN(),
        expCmdSN: expCmdSN.map { SerialNumber(rawValue: $0) } ?? harness.window.exp,
        maxCmdSN: harness.window.max, time2Wait: time2Wait
      ).header)
  }
}

extension ReactorHarness {
  /// The connection at a place.
  func connectionState(_ index: Int) -> Connection.State { reactor.connections[index].state }
  func taskCount(_ index: Int) -> UInt32 { reactor.connections[index].inFlightCount }
  func awaitsWritable(_ index: Int) -> Bool { reactor.connections[index].awaitsWritable }
  /// The home session's.
  var commandWindow: CommandWindow { reactor.sessions[5].window }
}
