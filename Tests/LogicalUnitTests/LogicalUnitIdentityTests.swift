import SCSI
import Testing

@testable import LogicalUnit

@Suite("Identity is VPD 83h and 80h plus capacity, never the number alone")
struct LogicalUnitIdentityTests {
  static func identity(
    name: String? = "naa.50010203040506ab", serial: String? = "0001", product: String = "disk",
    block: UInt32 = 512, count: UInt64 = 100
  ) -> LogicalUnitIdentity {
    LogicalUnitIdentity(
      worldWideName: name, serial: serial, vendor: "V", product: product,
      logicalBlockLength: block, blockCount: count)
  }

  @Test("a named unit may change its capacity")
  func capacity() {
    #expect(Self.identity().matches(Self.identity(count: 200)))
    #expect(Self.identity(name: nil).matches(Self.identity(name: nil, count: 50)))
  }

  @Test("another name, serial number or block length is another unit")
  func changed() {
    #expect(!Self.identity().matches(Self.identity(name: "naa.50010203040506ac")))
    #expect(!Self.identity().matches(Self.identity(serial: "0002")))
    #expect(!Self.identity().matches(Self.identity(block: 4096)))
    #expect(!Self.identity().matches(Self.identity(name: nil)))
  }

  @Test("a unit without names is known by model and exact capacity")
  func unnamed() {
    let unnamed = Self.identity(name: nil, serial: nil)
    #expect(unnamed.matches(unnamed))
    #expect(!unnamed.matches(Self.identity(name: nil, serial: nil, count: 101)))
    #expect(!unnamed.matches(Self.identity(name: nil, serial: nil, product: "other")))
  }

  @Test("H58 the same VPD 83h is another path only with serial and capacity equal")
  func paths() {
    #expect(Self.identity().mayBeAnotherPath(to: Self.identity()))
    #expect(!Self.identity().mayBeAnotherPath(to: Self.identity(serial: "0002")))
    #expect(!Self.identity().mayBeAnotherPath(to: Self.identity(count: 101)))
    let unnamed = Self.identity(name: nil)
    #expect(!unnamed.mayBeAnotherPath(to: unnamed))
  }
}

@Suite("What discovery learnt of a logical unit")
struct LogicalUnitDescriptionTests {
  static func description(firstByte: UInt8 = 0) throws -> LogicalUnitDescription {
    LogicalUnitDescription(
      logicalUnitNumber: LogicalUnitNumber(number: 3),
      inquiry: try InquiryData(parsing: [firstByte, 0, 6, 2, 31]))
  }

  @Test("S06 with nothing but INQUIRY is writable, uncached by FUA, flushed and full")
  func bare() throws {
    let bare = try Self.description()
    #expect(try bare.geometry() == nil)
    #expect(!bare.isWriteProtected)
    #expect(!bare.supportsForceUnitAccess)
    #expect(bare.hasVolatileCache)
    #expect(bare.provisioningMode == .full)
  }

  @Test("of an optical disc is read-only")
  func opticalDisc() throws {
    let disc = try Self.description(firstByte: 5)
    #expect(disc.presence == .file)
    #expect(disc.isWriteProtected)
  }
}
