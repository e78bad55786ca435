import SCSI
import Testing

@testable import LogicalUnit

@Suite("Geometry (SBC-4, 4.5)")
struct GeometryTests {
  static func geometry(
    block: UInt32 = 512, last: UInt64 = 99, exponent: UInt8 = 0, optimal: UInt32 = 0,
    maximum: UInt32 = 0
  ) throws(GeometryError) -> Geometry {
    try Geometry(
      logicalBlockLength: block, lastLogicalBlockAddress: LogicalBlockAddress(last),
      physicalBlockExponent: exponent, optimalTransferBlocks: optimal,
      maximumTransferBlocks: maximum)
  }

  @Test("serves blocks of 512, 1024, 2048 and 4096 bytes", arguments: [512, 1024, 2048, 4096])
  func served(block: UInt32) throws {
    let geometry = try Self.geometry(block: block)
    #expect(geometry.logicalBlockLength == block)
    #expect(geometry.blockCount == 100)
    #expect(geometry.capacityBytes == 100 * UInt64(block))
  }

  @Test("H50 refuses other block lengths", arguments: [0, 1, 3, 256, 520, 4104, 8192, 1 << 31])
  func refused(block: UInt32) {
    #expect(throws: GeometryError.blockLengthRefused(bytes: block)) {
      try Self.geometry(block: block)
    }
  }

  @Test("S04 says in a sentence why 520 is refused")
  func sentence() {
    #expect(
      GeometryError.blockLengthRefused(bytes: 520).description
        == "Logical blocks of 520 bytes are refused: a power of two from 512 to 4096 is needed")
  }

  @Test("H50 refuses capacities past Int64.max and serves the greatest below")
  func capacities() throws {
    let greatest = UInt64(Int64.max) >> 9
    #expect(try Self.geometry(last: greatest - 1).capacityBytes == greatest << 9)
    for last in [greatest, UInt64.max - 1, UInt64.max] {
      #expect(
        throws: GeometryError.capacityTooLarge(
          lastLogicalBlockAddress: last, blockLengthBytes: 512)
      ) { try Self.geometry(last: last) }
    }
  }

  @Test("H56 takes a maximum transfer of 0 for no limit but the PDU's 32 bits")
  func unlimited() throws {
    let none = try Self.geometry(maximum: 0)
    #expect(none.maximumTransferBlocks == UInt32.max >> 9)
    #expect(try Self.geometry(maximum: .max) == none)
    #expect(try Self.geometry(maximum: 1).maximumTransferBlocks == 1)
    #expect(none.maximumTransferBytes == UInt32.max - 511)
  }

  @Test("H56 keeps the optimal transfer within the maximum, and has a file block size without one")
  func optimal() throws {
    #expect(try Self.geometry(optimal: 64, maximum: 16).optimalTransferBlocks == 16)
    #expect(try Self.geometry(optimal: 64).preferredTransferBytes == 32768)
    #expect(try Self.geometry().preferredTransferBytes == 4096)
    #expect(try Self.geometry(exponent: 4).preferredTransferBytes == 8192)
    // Nobody is made to take buffers of 4 GiB, or of less than a page.
    #expect(try Self.geometry(optimal: .max).preferredTransferBytes == 4096)
    #expect(try Self.geometry(optimal: 65_536).preferredTransferBytes == 32 << 20)
    #expect(try Self.geometry(optimal: 65_537).preferredTransferBytes == 4096)
    #expect(try Self.geometry(optimal: 1).preferredTransferBytes == 4096)
    #expect(try Self.geometry(exponent: 4, optimal: 24).preferredTransferBytes == 8192)
    #expect(try Self.geometry(exponent: 15, optimal: 64).preferredTransferBytes == 16 << 20)
  }

  @Test("of the greatest physical block does not overflow")
  func physical() throws {
    #expect(try Self.geometry(block: 4096, exponent: 255).physicalBlockLength == 1 << 27)
  }
}
