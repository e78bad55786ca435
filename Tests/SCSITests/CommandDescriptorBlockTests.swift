import Testing

@testable import SCSI

@Suite("Command descriptor blocks (SPC-5, clause 6; SBC-4, clause 5)")
struct CommandDescriptorBlockTests {
  struct Row: Sendable {
    let name: String
    let block: CommandDescriptorBlock
    let bytes: [UInt8]
  }

  static let lba32 = LogicalBlockAddress(0x1234_5678)
  static let lba64 = LogicalBlockAddress(0x0102_0304_0506_0708)

  static let primary: [Row] = [
    Row(name: "TEST UNIT READY", block: .testUnitReady, bytes: [0, 0, 0, 0, 0, 0]),
    Row(name: "REQUEST SENSE", block: .requestSense(), bytes: [3, 0, 0, 0, 252, 0]),
    Row(
      name: "REQUEST SENSE, descriptors",
      block: .requestSense(descriptor: true, allocationLength: 18),
      bytes: [3, 1, 0, 0, 18, 0]),
    Row(
      name: "INQUIRY", block: .inquiry(allocationLength: 0x0124),
      bytes: [0x12, 0, 0, 0x01, 0x24, 0]),
    Row(
      name: "INQUIRY of page 83h",
      block: .inquiry(vitalProductDataPage: .deviceIdentification, allocationLength: 0x0400),
      bytes: [0x12, 1, 0x83, 0x04, 0x00, 0]),
    Row(
      name: "REPORT LUNS", block: .reportLUNs(selectReport: 2, allocationLength: 0x0102_0304),
      bytes: [0xA0, 0, 2, 0, 0, 0, 1, 2, 3, 4, 0, 0]),
    Row(
      name: "MODE SENSE(6)",
      block: .modeSense6(page: .caching, subpage: 1, allocationLength: 192),
      bytes: [0x1A, 0x08, 0x08, 1, 192, 0]),
    Row(
      name: "MODE SENSE(10)",
      block: .modeSense10(page: .all, subpage: 0xFF, allocationLength: 0x0102),
      bytes: [0x5A, 0x08, 0x3F, 0xFF, 0, 0, 0, 1, 2, 0]),
  ]

  static let block: [Row] = [
    Row(
      name: "READ CAPACITY(10)", block: .readCapacity10, bytes: [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    Row(
      name: "READ CAPACITY(16)", block: .readCapacity16(),
      bytes: [0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]),
    Row(
      name: "READ(16)", block: .read16(lba: lba64, blocks: 0x090A_0B0C),
      bytes: [0x88, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0]),
    Row(
      name: "WRITE(16) with FUA",
      block: .write16(lba: lba64, blocks: 1, forceUnitAccess: true),
      bytes: [0x8A, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0, 0]),
    Row(
      name: "READ(10) with FUA", block: .read10(lba: lba32, blocks: 0x0102, forceUnitAccess: true),
      bytes: [0x28, 0x08, 0x12, 0x34, 0x56, 0x78, 0, 1, 2, 0]),
    Row(
      name: "WRITE(10)", block: .write10(lba: lba32, blocks: 0xFFFF),
      bytes: [0x2A, 0, 0x12, 0x34, 0x56, 0x78, 0, 0xFF, 0xFF, 0]),
    Row(
      name: "SYNCHRONIZE CACHE(10)", block: .synchronizeCache10(lba: lba32, blocks: 3),
      bytes: [0x35, 0, 0x12, 0x34, 0x56, 0x78, 0, 0, 3, 0]),
    Row(
      name: "SYNCHRONIZE CACHE(16) of all", block: .synchronizeCache16(),
      bytes: [0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    Row(name: "START", block: .startStopUnit(start: true), bytes: [0x1B, 0, 0, 0, 1, 0]),
    Row(name: "STOP", block: .startStopUnit(start: false), bytes: [0x1B, 0, 0, 0, 0, 0]),
    Row(
      name: "UNMAP", block: .unmap(parameterListLength: 24, anchor: true),
      bytes: [0x42, 1, 0, 0, 0, 0, 0, 0, 24, 0]),
    Row(
      name: "WRITE SAME(16) with UNMAP", block: .writeSame16(lba: lba64, blocks: 2, unmap: true),
      bytes: [0x93, 0x08, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 2, 0, 0]),
    Row(
      name: "GET LBA STATUS", block: .getLBAStatus(lba: lba64, allocationLength: 24),
      bytes: [0x9E, 0x12, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 24, 0, 0]),
  ]

  static let rows = primary + block

  @Test("have the standard's bytes, and bytes make the same block", arguments: rows.indices)
  func bytes(index: Int) {
    let row = Self.rows[index]
    #expect(row.block.bytes == row.bytes, "\(row.name)")
    #expect(CommandDescriptorBlock(bytes: row.bytes) == row.block, "\(row.name)")
  }

  @Test("are found again in sixteen bytes of a PDU", arguments: rows.indices)
  func words(index: Int) {
    let row = Self.rows[index]
    let found = CommandDescriptorBlock(first: row.block.first, second: row.block.second)
    #expect(found == row.block, "\(row.name)")
    #expect(found.operationCode.rawValue == row.bytes[0])
  }

  @Test("are refused below 6 and above 16 bytes")
  func lengths() {
    #expect(CommandDescriptorBlock(bytes: [0, 0, 0, 0, 0]) == nil)
    #expect(CommandDescriptorBlock(bytes: Array(repeating: 0, count: 17)) == nil)
    #expect(CommandDescriptorBlock(bytes: []) == nil)
  }

  @Test("give a target their fields")
  func fields() {
    let block = CommandDescriptorBlock.read16(lba: Self.lba64, blocks: 7)
    #expect(block.bigEndian(at: 2, as: UInt64.self) == Self.lba64.rawValue)
    #expect(block.bigEndian(at: 10, as: UInt32.self) == 7)
    #expect(CommandDescriptorBlock.readCapacity16().serviceAction == .readCapacity16)
  }

  @Test("are told with their names in the standards, and where they begin")
  func told() {
    let lba = LogicalBlockAddress(0x1234_5678)
    let blocks: [(CommandDescriptorBlock, String, UInt64?)] = [
      (.read10(lba: lba, blocks: 1), "READ(10)", 0x1234_5678),
      (.write10(lba: lba, blocks: 1), "WRITE(10)", 0x1234_5678),
      (.read16(lba: LogicalBlockAddress(1 << 40), blocks: 1), "READ(16)", 1 << 40),
      (.write16(lba: LogicalBlockAddress(1 << 40), blocks: 1), "WRITE(16)", 1 << 40),
      (.synchronizeCache16(), "SYNCHRONIZE CACHE(16)", nil),
      (CommandDescriptorBlock(first: 0x7F << 56, second: 0), "command 7Fh", nil),
    ]
    for (block, name, address) in blocks {
      #expect("\(block.operationCode)" == name)
      #expect(block.logicalBlockAddress == address)
    }
  }

  @Test("drop what stands past their length")
  func padding() {
    let block = CommandDescriptorBlock(first: .max, second: .max, length: 6)
    #expect(block.first == 0xFFFF_FFFF_FFFF_0000)
    #expect(block.second == 0)
    let ten = CommandDescriptorBlock(first: .max, second: .max, length: 10)
    #expect(ten.first == .max)
    #expect(ten.second == 0xFFFF_0000_0000_0000)
  }

  @Test("S09 of ten bytes trap for an address they cannot hold")
  func readTenTraps() async {
    await #expect(processExitsWith: .failure) {
      _ = CommandDescriptorBlock.read10(lba: LogicalBlockAddress(1 << 32), blocks: 1)
    }
  }
}
