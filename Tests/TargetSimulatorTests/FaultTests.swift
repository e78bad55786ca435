import ISCSI
import SCSI
import Testing
import Wire

@testable import TargetSimulator

@Suite("Faults")
struct FaultTests {
  private func loggedIn(
    _ portal: SimulatedPortal = Fixture.portal(), keys: [(String, String)] = []
  ) throws -> HandInitiator {
    var initiator = HandInitiator(portal)
    _ = try initiator.login(Fixture.name, keys: keys)
    return initiator
  }

  @Test("BUSY twice, then the command runs")
  func busy() throws {
    var initiator = try loggedIn()
    initiator.connection.faults = [OutcomeFault.busy(count: 2)]
    let statuses = try (0..<3).map { _ in
      SCSIResponse(try initiator.command([0x00])[0].header).status.rawValue
    }
    #expect(statuses == [0x08, 0x08, 0x00])
  }

  @Test("a cut at byte 50 of the stream falls inside the PDU")
  func cut() throws {
    let initiator = HandInitiator(Fixture.portal())
    initiator.connection.faults = [CutFault(.atByte(50))]
    var copy = initiator
    _ = try copy.login(Fixture.name)
    #expect(copy.endings == [.reset] && copy.assembler.pendingByteCount == 50)
    #expect(copy.connection.isClosed)
  }

  @Test("delayed PDUs leave when their time has come")
  func delay() throws {
    var initiator = try loggedIn()
    initiator.connection.faults = [DelayFault(milliseconds: 500)]
    initiator.now = 1000
    #expect(try initiator.command([0x00]).isEmpty)
    #expect(initiator.connection.nextDeadlineMilliseconds == 1500)
    #expect(initiator.connection.actions(at: 1499).isEmpty)
    #expect(try initiator.answers(to: initiator.connection.actions(at: 1500)).count == 1)
  }

  @Test("a frozen target says everything after the thaw")
  func freeze() throws {
    var initiator = try loggedIn()
    let fault = FreezeFault()
    initiator.connection.faults = [fault]
    #expect(try initiator.command([0x00]).isEmpty)
    #expect(try initiator.command([0x00]).isEmpty)
    fault.isFrozen = false
    let units = try initiator.answers(to: initiator.connection.actions())
    #expect(units.map(\.header.initiatorTaskTag.rawValue) == [101, 102])
  }

  @Test("drop, duplicate, corrupt, single bytes")
  func transport() throws {
    var initiator = try loggedIn(keys: [("HeaderDigest", "CRC32C")])
    initiator.connection.faults = [DropFault(.nth(0)), DuplicateFault(.nth(0))]
    #expect(try initiator.command([0x00]).isEmpty)
    #expect(try initiator.command([0x00]).count == 2)
    initiator.connection.faults = [SegmentFault()]
    #expect(try initiator.command([0x00]).count == 1)
    initiator.connection.faults = [CorruptFault(.all, offset: 3)]
    #expect(throws: PDUError.self) { _ = try initiator.command([0x00]) }
  }

  @Test("Data-In of two tasks is interleaved, statuses stay in order")
  func interleave() throws {
    var initiator = try loggedIn(keys: [("MaxRecvDataSegmentLength", "512")])
    initiator.connection.faults = [InterleaveFault()]
    var bytes: [UInt8] = []
    for tag in [UInt64(1), 2] {
      var header = BasicHeaderSegment(opcode: .scsiCommand, flags: 0xC1)
      header.word2 = tag << 32 | 1536
      header.cmdSN = initiator.cmdSN
      initiator.cmdSN = initiator.cmdSN.successor
      header.word4 = 0x2800_0000_0000_0000
      header.word5 = 0x0300_0000_0000_0000
      bytes += ProtocolDataUnit(header: header).encoded()
    }
    let units = try initiator.answers(to: initiator.connection.receive(bytes))
    #expect(units.map(\.header.initiatorTaskTag.rawValue) == [1, 2, 1, 2, 1, 2])
    let statSNs = units.filter { DataIn($0.header).hasStatus }.map(\.header.statSN.rawValue)
    #expect(statSNs == statSNs.sorted())
  }

  @Test("R2Ts come in reverse, and the write is still whole")
  func reverse() throws {
    let portal = Fixture.portal()
    var initiator = try loggedIn(
      portal, keys: [("InitialR2T", "Yes"), ("MaxBurstLength", "512"), ("MaxOutstandingR2T", "4")])
    initiator.connection.faults = [ReverseR2TFault()]
    let data = (0..<2048).map { UInt8(truncatingIfNeeded: $0 / 7) }
    let r2ts = try initiator.command(Fixture.write10(0, 4), write: 2048)
    #expect(r2ts.map { ReadyToTransfer($0.header).bufferOffset } == [1536, 1024, 512, 0])
    #expect(r2ts.map { ReadyToTransfer($0.header).r2tSN } == [0, 1, 2, 3])
    for r2t in r2ts { _ = try initiator.answer(r2t, with: data) }
    #expect(portal.targets[0].logicalUnits[0]?.contents(at: 0, count: 2048) == data)
  }

  @Test("lies are told as asked")
  func hostile() throws {
    var initiator = try loggedIn()
    initiator.connection.faults = [
      HostileFault(.dataBeyondExpected(byteCount: 512), in: .nth(0, .dataIn)),
      HostileFault(.statSN(offset: 1 << 31), in: .nth(0, .scsiResponse)),
      HostileFault(.secondResponse, in: .nth(1, .scsiResponse)),
      WindowFault(size: 0),
    ]
    let read = try initiator.command(Fixture.read10(0, 1), read: 512)
    #expect(read[0].data.count == 1024)
    #expect(read[0].header.maxCmdSN.successor == read[0].header.expCmdSN)
    #expect(try initiator.command([0x00])[0].header.statSN.rawValue > 1 << 31)
    #expect(try initiator.command([0x00]).count == 2)
    initiator.connection.faults = [HostileFault(.dataSegmentLength(0xFF_FFFF), in: .all)]
    #expect(try initiator.command([0x00]).isEmpty)
    #expect(initiator.assembler.pendingByteCount == 48)
  }

  @Test("a fault of chosen commands lets all others be")
  func chosenCommands() throws {
    var initiator = try loggedIn()
    initiator.connection.faults = [
      CommandFault([0x28], HostileFault(.data([]), in: PDUSelector(.dataIn)))
    ]
    let inquiry = try initiator.command([0x12, 0, 0, 0, 36], read: 36)
    #expect(inquiry[0].data.count == 36)
    #expect(try initiator.command(Fixture.read10(0, 1), read: 512)[0].data.isEmpty)
    #expect(try initiator.command([0x12, 0, 0, 0, 36], read: 36)[0].data.count == 36)
  }

  @Test("floods are as many as asked for, numbered as they should be, once")
  func floods() throws {
    for kind in [FloodFault.Kind.ping, .event, .reject, .response, .emptyData] {
      var initiator = try loggedIn()
      initiator.connection.faults = [FloodFault(kind, count: 1000, at: .nth(0, .dataIn))]
      let flood = try initiator.command(Fixture.read10(0, 1), read: 512)
      #expect(flood.count == 1001)
      let dataSNs = flood.filter { $0.header.opcode == .dataIn }.map { DataIn($0.header).dataSN }
      #expect(kind != .emptyData || dataSNs == Array(0...1000))
      let bearers = flood.filter { $0.header.opcode != .dataIn || DataIn($0.header).hasStatus }
      let statSNs = bearers.map(\.header.statSN.rawValue)
      let first = statSNs[0]
      // Pings bear the next one without taking it (RFC 7143, 11.19).
      #expect(
        statSNs.enumerated().allSatisfy {
          $0.element == first + (kind == .ping ? min(1, UInt32($0.offset)) : UInt32($0.offset))
        })
      #expect(try initiator.command(Fixture.read10(0, 1), read: 512).count == 1)
    }
    var initiator = try loggedIn(keys: [("InitialR2T", "Yes")])
    initiator.connection.faults = [FloodFault(.readyToTransfer, count: 1000, at: .all)]
    let r2ts = try initiator.command(Fixture.write10(0, 4), write: 2048)
    #expect(r2ts.map { ReadyToTransfer($0.header).r2tSN } == Array(0..<1000))
    #expect(r2ts.allSatisfy { ReadyToTransfer($0.header).desiredDataTransferLength == 512 })
  }
}
