import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("Reads of a LUN file", .bothChannels)
struct ReadTests {
  @Test("become one READ(16) and are answered with its Data-In, whole")
  func oneCommand() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 4096, size: 4096)
    let command = try harness.command()
    #expect(command.view.header.cmdSN.rawValue == 50)
    #expect(command.view.header.expStatSN.rawValue == 100)
    #expect(command.view.isRead && !command.view.isWrite && command.view.header.isFinal)
    #expect(command.view.logicalUnit.rawValue == 1 << 48)
    #expect(command.view.expectedDataTransferLength == 4096)
    // SBC-4, 5.18: 88h, LBA 8 in bytes 2-9, 8 blocks in bytes 10-13.
    #expect(command.view.header.word4 == 0x8800_0000_0000_0000)
    #expect(command.view.header.word5 == 0x0008_0000_0008_0000)
    let data = [UInt8].pattern(4096)
    harness.sendDataIn(command.view.header.initiatorTaskTag, data)
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test("are whole when the target's bytes come one at a time")
  func dripFed() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let data = [UInt8].pattern(512)
    let bytes = ProtocolDataUnit(
      header: DataIn(
        initiatorTaskTag: task, isFinal: true, status: (.good, harness.nextStatSN(), .none),
        expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: 0, bufferOffset: 0
      ).header, data: data
    ).encoded()
    for byte in bytes { harness.send([byte]) }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test(
    "of many PDUs, cut anywhere, with digests and without, land where they belong",
    arguments: [false, true], [1, 7, 48, 1000, 20_000, 70_001])
  func pieces(digests: Bool, cut: Int) throws {
    var parameters = NegotiatedParameters()
    parameters.maxRecvDataSegmentLength = 65_536
    parameters.headerDigest = digests
    parameters.dataDigest = digests
    let harness = try ReactorHarness(parameters: parameters)
    let size = cut == 1 ? 17_408 : 262_144
    let unique = harness.read(offset: 0, size: UInt32(size))
    let task = try harness.command().view.header.initiatorTaskTag
    let data = [UInt8].pattern(size)
    var bytes = [UInt8]()
    var offset = 0
    // Lengths around the one from which payload goes straight to its pages, and odd ones.
    let lengths = [512, 16_384, 16_383, 65_536, 3, 40_001]
    var dataSN: UInt32 = 0
    while offset < size {
      let length = min(lengths[Int(dataSN) % lengths.count], size - offset)
      let isLast = offset + length == size
      bytes += ProtocolDataUnit(
        header: DataIn(
          initiatorTaskTag: task, isFinal: isLast,
          status: isLast ? (.good, harness.nextStatSN(), .none) : nil,
          expCmdSN: harness.window.exp, maxCmdSN: harness.window.max, dataSN: dataSN,
          bufferOffset: UInt32(offset)
        ).header, data: Array(data[offset..<offset + length])
      ).encoded(headerDigest: digests, dataDigest: digests)
      offset += length
      dataSN += 1
    }
    var position = 0
    while position < bytes.count {
      harness.send(Array(bytes[position..<min(position + cut, bytes.count)]))
      position += cut
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }

  @Test("past the end return nothing and send no command; across the end they are short")
  func ends() throws {
    let harness = try ReactorHarness()
    let past = harness.read(offset: 8192 * 512, size: 4096)
    #expect(harness.reply() == .init(unique: past, error: 0, payload: []))
    #expect(try harness.sent() == nil)
    let across = harness.read(offset: 8191 * 512, size: 4096)
    let command = try harness.command().view
    #expect(command.expectedDataTransferLength == 512)
    let data = [UInt8].pattern(512)
    harness.sendDataIn(command.header.initiatorTaskTag, data)
    #expect(harness.reply() == .init(unique: across, error: 0, payload: data))
  }

  @Test("of single bytes fetch the block and return the byte")
  func unaligned() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 1000, size: 100)
    let command = try harness.command().view
    #expect(command.expectedDataTransferLength == 1024)
    let data = [UInt8].pattern(1024)
    harness.sendDataIn(command.header.initiatorTaskTag, data)
    #expect(
      harness.reply() == .init(unique: unique, error: 0, payload: Array(data[488..<588])))
  }

  @Test("F16.4.2, H22: GOOD with bytes missing is tried again, then EIO, never made-up bytes")
  func missingData() throws {
    let harness = try ReactorHarness()
    let unique = harness.read(offset: 0, size: 1024)
    for _ in 0..<6 {
      let command = try harness.command().view
      harness.sendDataIn(command.header.initiatorTaskTag, .pattern(512), status: nil)
      harness.sendResponse(command.header.initiatorTaskTag)
    }
    #expect(harness.reply() == .init(unique: unique, error: -5, payload: []))
  }

  @Test("split at the device's maximum transfer, one command after the other")
  func splits() throws {
    let harness = try ReactorHarness { registration in
      registration.geometry =
        (try? .init(
          logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191),
          maximumTransferBlocks: 3)) ?? registration.geometry
    }
    let unique = harness.read(offset: 512, size: 4096)
    let data = [UInt8].pattern(4096)
    for (offset, length) in [(0, 1536), (1536, 1536), (3072, 1024)] {
      let command = try harness.command().view
      #expect(command.expectedDataTransferLength == UInt32(length))
      harness.sendDataIn(
        command.header.initiatorTaskTag, Array(data[offset..<offset + length]))
    }
    #expect(harness.reply() == .init(unique: unique, error: 0, payload: data))
  }
}
