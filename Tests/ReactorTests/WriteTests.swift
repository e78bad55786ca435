import Glibc
import ISCSI
import SCSI
import Testing

@testable import Reactor

@Suite("Writes of a LUN file", .bothChannels)
struct WriteTests {
  /// ImmediateData and InitialR2T in all four combinations (RFC 7143, 4.2.5.2; F8.1 to F8.3).
  @Test(
    "F8.2, F8.3, F9.1, F11.1.1, F11.2.1, F11.2.2: first what was agreed, then what R2Ts ask for",
    arguments: [true, false], [true, false])
  func unsolicited(immediateData: Bool, initialR2T: Bool) throws {
    var parameters = NegotiatedParameters()
    parameters.immediateData = immediateData
    parameters.initialR2T = initialR2T
    parameters.firstBurstLength = 2048
    parameters.maxBurstLength = 4096
    parameters.maxXmitDataSegmentLength = 1024
    let harness = try ReactorHarness(parameters: parameters)
    let payload = [UInt8].pattern(8192)
    let unique = harness.write(offset: 0, payload)
    let command = try harness.command()
    var received = command.unit.data
    #expect(received.count == (immediateData ? 1024 : 0))
    #expect(command.view.header.isFinal == initialR2T)
    let task = command.view.header.initiatorTaskTag
    if !initialR2T {
      received += try burst(harness, from: received.count, upTo: 2048, transferTag: .reserved)
    }
    #expect(try harness.sent() == nil)
    var r2tSN: UInt32 = 0
    while received.count < 8192 {
      let length = min(4096, 8192 - received.count)
      harness.sendR2T(
        task, transferTag: 0xABBA_ABBA &+ r2tSN, r2tSN: r2tSN, offset: UInt32(received.count),
        length: UInt32(length))
      received += try burst(
        harness, from: received.count, upTo: received.count + length,
        transferTag: .init(rawValue: 0xABBA_ABBA &+ r2tSN))
      r2tSN += 1
    }
    #expect(received == payload)
    harness.sendResponse(task)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(8192)))
  }

  /// Reads Data-Outs of one burst, checking tag, DataSN, offset, length and the F bit.
  private func burst(
    _ harness: ReactorHarness, from start: Int, upTo end: Int, transferTag: TargetTransferTag
  ) throws -> [UInt8] {
    var bytes = [UInt8]()
    var dataSN: UInt32 = 0
    while start + bytes.count < end {
      let unit = try #require(try harness.sent())
      let dataOut = DataOut(unit.header)
      #expect(unit.header.opcode == .dataOut)
      #expect(unit.header.targetTransferTag == transferTag)
      #expect(dataOut.dataSN == dataSN)
      #expect(Int(dataOut.bufferOffset) == start + bytes.count)
      #expect(unit.data.count <= 1024)
      bytes += unit.data
      dataSN += 1
      #expect(unit.header.isFinal == (start + bytes.count == end))
    }
    return bytes
  }

  @Test("inside one block read it, and write it back with the new bytes in place")
  func insideOneBlock() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 700, [1, 2, 3])
    let read = try harness.command().view
    #expect(read.isRead && read.expectedDataTransferLength == 512)
    let block = [UInt8].pattern(512)
    harness.sendDataIn(read.header.initiatorTaskTag, block)
    let write = try harness.command()
    var expected = block
    expected.replaceSubrange(188..<191, with: [1, 2, 3])
    #expect(write.view.isWrite && write.unit.data == expected)
    harness.sendResponse(write.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(3)))
  }

  @Test("across blocks read both edges and write everything at once")
  func acrossBlocks() throws {
    let harness = try ReactorHarness()
    let payload = [UInt8].pattern(1500, from: 9)
    let unique = harness.write(offset: 100, payload)
    let head = try harness.command().view
    let headBlock = [UInt8].pattern(512, from: 1000)
    harness.sendDataIn(head.header.initiatorTaskTag, headBlock)
    let tail = try harness.command().view
    #expect(tail.header.word5 == 0x0003_0000_0001_0000)
    let tailBlock = [UInt8].pattern(512, from: 5000)
    harness.sendDataIn(tail.header.initiatorTaskTag, tailBlock)
    let write = try harness.command()
    #expect(write.unit.data == headBlock[..<100] + payload + tailBlock[64...])
    harness.sendResponse(write.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(1500)))
  }

  @Test("that overlap a read-modify-write wait for it, others do not")
  func rangeLock() throws {
    let harness = try ReactorHarness()
    let first = harness.write(offset: 100, [9])
    let read = try harness.command().view
    let second = harness.write(offset: 0, .pattern(512))
    #expect(try harness.sent() == nil)
    let third = harness.write(offset: 512, .pattern(512))
    let other = try harness.command()
    harness.sendResponse(other.view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == third)
    harness.sendDataIn(read.header.initiatorTaskTag, .pattern(512))
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == first)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply()?.unique == second)
  }

  @Test("at the end get ENOSPC, across it are short")
  func ends() throws {
    let harness = try ReactorHarness()
    let past = harness.write(offset: 8192 * 512, [1])
    #expect(harness.reply() == .init(unique: past, error: -ENOSPC, payload: []))
    let across = harness.write(offset: 8191 * 512, .pattern(1024))
    let command = try harness.command()
    #expect(command.unit.data == .pattern(512))
    harness.sendResponse(command.view.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: across, error: 0, payload: .accepted(512)))
  }

  @Test("to a write-protected unit get EROFS and send nothing")
  func writeProtected() throws {
    let harness = try ReactorHarness { $0.isWriteProtected = true }
    let unique = harness.write(offset: 0, .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: -EROFS, payload: []))
    #expect(try harness.sent() == nil)
  }

  @Test("with O_DSYNC carry FUA where the device takes it")
  func forceUnitAccess() throws {
    let harness = try ReactorHarness { $0.supportsForceUnitAccess = true }
    _ = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    let command = try harness.command().view
    // SBC-4, 5.45: FUA is bit 3 of byte 1.
    #expect(command.header.word4 >> 48 == 0x8A08)
  }

  @Test("with O_DSYNC are followed by SYNCHRONIZE CACHE where it does not")
  func writeThenSynchronize() throws {
    let harness = try ReactorHarness()
    let unique = harness.write(offset: 0, .pattern(512), flags: O_DSYNC)
    harness.sendResponse(try harness.command().view.header.initiatorTaskTag)
    #expect(harness.reply() == nil)
    let synchronize = try harness.command().view
    #expect(synchronize.header.word4 >> 56 == 0x91)
    harness.sendResponse(synchronize.header.initiatorTaskTag)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: .accepted(512)))
  }
}
