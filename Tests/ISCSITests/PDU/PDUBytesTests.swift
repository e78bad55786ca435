import SCSI
import Testing
import Wire

@testable import ISCSI

@Suite("PDUs byte for byte (RFC 7143, 11)")
struct PDUBytesTests {
  @Test("every PDU is laid out as the RFC draws it", arguments: PDUVector.all.indices)
  func encodes(_ index: Int) {
    let vector = PDUVector.all[index]
    #expect(vector.unit.encoded() == bytes(vector.wire), "\(vector.clause)")
  }

  @Test("every PDU comes back from its bytes, one byte at a time", arguments: PDUVector.all.indices)
  func assembles(_ index: Int) throws {
    let vector = PDUVector.all[index]
    var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
    var found: ProtocolDataUnit?
    for byte in bytes(vector.wire) {
      #expect(found == nil, "\(vector.clause): whole before its last byte")
      assembler.append(CollectionOfOne(byte))
      found = try assembler.next()
    }
    #expect(found == vector.unit, "\(vector.clause)")
    #expect(assembler.pendingByteCount == 0)
  }

  /// The header of the vector for `clause`, parsed from its bytes.
  private func header(_ clause: String) throws -> BasicHeaderSegment {
    let vector = try #require(PDUVector.all.first { $0.clause == clause })
    return bytes(vector.wire).withRawSpan { BasicHeaderSegment(parsing: $0) }
  }

  @Test("a target's fields are read from where they stand")
  func readsTargets() throws {
    let login = LoginResponse(try header("11.13 Login Response"))
    #expect(login.transits && login.current == .operationalNegotiation)
    #expect(login.next == .fullFeaturePhase && login.tsih == 0x1234)
    #expect(login.statusClass == 2 && login.statusDetail == 1)
    #expect(login.isid.description == "801234560001")

    let async = AsyncMessage(try header("11.9 Asynchronous Message"))
    #expect(async.event == .connectionDropped && async.vendorCode == 0x99)
    #expect([async.parameter1, async.parameter2, async.parameter3] == [0x0102, 0x0304, 0x0506])

    let dataIn = DataIn(try header("11.7 SCSI Data-In with status"))
    #expect(dataIn.hasStatus && !dataIn.requestsAcknowledgement && dataIn.status.rawValue == 8)
    #expect(dataIn.residual == .overflow(5) && dataIn.bufferOffset == 0x1000)
    #expect(dataIn.dataSN == 2)

    let response = SCSIResponse(try header("11.4 SCSI Response"))
    #expect(response.response == 1 && response.status.rawValue == 2)
    #expect(response.residual == .underflow(0x200) && response.expDataSN == 1)
    // Where FreeBSD's iscsi_proto.h has bhssr_snack_tag.
    #expect(response.snackTag == 0x0A0B_0C0D)

    let r2t = ReadyToTransfer(try header("11.8 R2T"))
    #expect(r2t.r2tSN == 1 && r2t.bufferOffset == 0x2000)
    #expect(r2t.desiredDataTransferLength == 0x4000)

    let logout = LogoutResponse(try header("11.15 Logout Response"))
    #expect(logout.response == .cleanupFailed && logout.time2Wait == 2 && logout.time2Retain == 20)

    #expect(Reject(try header("11.17 Reject")).reason == .protocolError)
    #expect(TextResponse(try header("11.11 Text Response")).continues)
  }

  @Test("an initiator's fields are read from where they stand")
  func readsInitiators() throws {
    let login = LoginRequest(try header("11.12 Login Request"))
    #expect(login.connectionID == 1 && login.tsih == 0x0708 && login.transits)
    #expect(LoginRequest(try header("11.12 Login Request, C bit")).continues)

    let snack = SNACKRequest(try header("11.16 SNACK Request"))
    #expect(snack.kind == .status && snack.begRun == 4 && snack.runLength == 2)

    let task = TaskManagementRequest(try header("11.5 Task Management Function Request"))
    #expect(task.function == .abortTask && task.referencedTaskTag.rawValue == 7)
    #expect(task.refCmdSN.rawValue == 8)

    let dataOut = DataOut(try header("11.7 SCSI Data-Out"))
    #expect(dataOut.dataSN == 3 && dataOut.bufferOffset == 0x2000)

    let logout = LogoutRequest(try header("11.14 Logout Request"))
    #expect(logout.reason == .closeConnection && logout.connectionID == 0x0102)
  }

  @Test("11.3 a SCSI Command is read from where its fields stand")
  func readsCommand() {
    let wire = bytes(
      """
      01 c1 00 00  00 00 00 00  00010000 00000000  00000007  00002000
      00000009  0000000a  88000000 00000000 10000000 00100000
      """)
    let header = wire.withRawSpan { BasicHeaderSegment(parsing: $0) }
    let command = SCSICommand(header)
    #expect(header.opcode == .scsiCommand && header.isFinal && !header.isImmediate)
    #expect(command.isRead && !command.isWrite && command.attribute == .simple)
    #expect(command.logicalUnit.rawValue == 0x0001_0000_0000_0000)
    #expect(command.expectedDataTransferLength == 0x2000)
    #expect(header.cmdSN.rawValue == 9 && header.expStatSN.rawValue == 10)
    #expect(header.word4 == 0x8800_0000_0000_0000 && header.word5 == 0x1000_0000_0010_0000)
    #expect(ProtocolDataUnit(header: header).encoded() == wire)
  }

  @Test("13.1 digests: CRC32C of 32 zero bytes travels as aa 36 91 8a")
  func digests() throws {
    let header = BasicHeaderSegment(opcode: .nopOut)
    let unit = ProtocolDataUnit(header: header, data: [UInt8](repeating: 0, count: 32))
    let wire = unit.encoded(headerDigest: true, dataDigest: true)
    #expect(wire.count == 48 + 4 + 32 + 4)
    #expect(Array(wire.suffix(4)) == [0xAA, 0x36, 0x91, 0x8A])

    var broken = wire
    broken[60] ^= 1
    var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
    (assembler.headerDigest, assembler.dataDigest) = (true, true)
    assembler.append(wire)
    #expect(try assembler.next() == unit)
    assembler.append(broken)
    #expect(throws: PDUError.self) { try assembler.next() }
  }

  @Test("D09 a flipped bit of a header is found in every PDU", arguments: PDUVector.all.indices)
  func flippedBits(_ index: Int) {
    let wire = PDUVector.all[index].unit.encoded(headerDigest: true)
    for bit in 0..<8 * BasicHeaderSegment.byteCount {
      var flipped = wire
      flipped[bit / 8] ^= 0x80 >> UInt8(bit % 8)
      var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
      assembler.headerDigest = true
      assembler.append(flipped)
      // Of the lengths' bits some ask for more: what comes shows that it is no PDU.
      var found = Result { () throws(PDUError) in try assembler.next() }
      if case .success(nil) = found {
        assembler.append([UInt8](repeating: 0, count: 16_384))
        found = Result { () throws(PDUError) in try assembler.next() }
      }
      guard case .failure = found else {
        Issue.record("bit \(bit) of \(PDUVector.all[index].clause): \(found)")
        continue
      }
    }
  }

  @Test("H01 a data segment above the limit is refused from the header alone")
  func tooLong() {
    var header = BasicHeaderSegment(opcode: .loginResponse)
    header.dataSegmentLength = 8193
    var wire = [UInt8]()
    for word in [header.word0, 0, 0, 0, 0, 0] { wire.appendBigEndian(word) }
    var assembler = PDUAssembler(maximumDataSegmentLength: 8192)
    assembler.append(wire)
    #expect(
      throws: PDUError.dataSegmentTooLong(opcode: .loginResponse, length: 8193, limit: 8192)
    ) { try assembler.next() }
  }
}
