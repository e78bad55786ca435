import SCSI
import Testing

@testable import LogicalUnit

@Suite("The commands of a transfer")
struct TransferCommandsTests {
  static func geometry(
    last: UInt64 = 1 << 40, maximum: UInt32 = 0
  ) throws(GeometryError) -> Geometry {
    try Geometry(
      logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(last),
      maximumTransferBlocks: maximum)
  }

  static func range(_ first: UInt64, _ count: UInt64) -> BlockRange {
    BlockRange(first: LogicalBlockAddress(first), count: count)
  }

  @Test("cover every block once, in order, none longer than the maximum")
  func split() throws {
    for maximum: UInt32 in 1...6 {
      let geometry = try Self.geometry(maximum: maximum)
      for count: UInt64 in 0...20 {
        let commands = TransferCommands(.read, blocks: Self.range(7, count), geometry: geometry)
        var next: UInt64 = 7
        var made: UInt64 = 0
        for command in commands {
          #expect(command.blocks.first.rawValue == next)
          #expect(command.blocks.count >= 1 && command.blocks.count <= maximum)
          #expect(command.byteOffset == (next - 7) * 512)
          #expect(UInt64(command.byteCount) == command.blocks.count * 512)
          next += command.blocks.count
          made += 1
        }
        #expect(next == 7 + count)
        #expect(commands.remainingCount == made)
      }
    }
  }

  static func first(
    _ direction: TransferCommands.Direction, _ blocks: BlockRange, _ form: TransferCommands.Form
  ) throws -> CommandDescriptorBlock {
    var commands = TransferCommands(
      direction, blocks: blocks, geometry: try Self.geometry(), form: form)
    let command = commands.next()
    return try #require(command).commandDescriptorBlock
  }

  @Test("are READ(16) and WRITE(16), with FUA where asked")
  func sixteen() throws {
    let blocks = Self.range(5, 3)
    let lba = LogicalBlockAddress(5)
    #expect(try Self.first(.read, blocks, .sixteen) == .read16(lba: lba, blocks: 3))
    #expect(try Self.first(.write, blocks, .sixteen) == .write16(lba: lba, blocks: 3))
    #expect(
      try Self.first(.writeForcingUnitAccess, blocks, .sixteen)
        == .write16(lba: lba, blocks: 3, forceUnitAccess: true))
  }

  @Test("S09 are READ(10) only while address and count fit, never at or past 2^32")
  func ten() throws {
    let edge: UInt64 = 1 << 32
    let rows: [(BlockRange, OperationCode)] = [
      (Self.range(0, 1), .read10), (Self.range(edge - 1, 1), .read10),
      (Self.range(edge - 1, 2), .read16), (Self.range(edge, 1), .read16),
      (Self.range(0, 0xFFFF), .read10), (Self.range(0, 0x1_0000), .read16),
    ]
    for (blocks, code) in rows {
      #expect(try Self.first(.read, blocks, .tenWhereItFits).operationCode == code)
    }
    #expect(
      try Self.first(.writeForcingUnitAccess, Self.range(5, 3), .tenWhereItFits)
        == .write10(lba: LogicalBlockAddress(5), blocks: 3, forceUnitAccess: true))
  }

  @Test("past the medium are a bug of ours")
  func pastTheMedium() async {
    await #expect(processExitsWith: .failure) {
      let geometry = try TransferCommandsTests.geometry(last: 9)
      _ = TransferCommands(
        .read, blocks: TransferCommandsTests.range(9, 2), geometry: geometry)
    }
  }
}
