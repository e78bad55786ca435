import Testing
import Wire

@testable import SCSI

@Suite("READ CAPACITY (SBC-4, 5.19 and 5.20)")
struct ReadCapacityDataTests {
  static func ten(_ bytes: [UInt8]) throws(ParameterDataError) -> ReadCapacityData {
    try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try ReadCapacityData(parsingReadCapacity10: span)
    }
  }

  static func sixteen(_ bytes: [UInt8]) throws(ParameterDataError) -> ReadCapacityData {
    try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try ReadCapacityData(parsingReadCapacity16: span)
    }
  }

  @Test("(10) gives the last block and the block length")
  func readCapacity10() throws {
    let capacity = try Self.ten([0, 1, 2, 3, 0, 0, 2, 0])
    #expect(capacity.lastLogicalBlockAddress == LogicalBlockAddress(0x0001_0203))
    #expect(capacity.logicalBlockLengthBytes == 512)
    #expect(!capacity.exceedsReadCapacity10)
  }

  @Test("S03 (10) with FFFFFFFFh says: ask (16)")
  func exceeds() throws {
    #expect(try Self.ten([0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0]).exceedsReadCapacity10)
  }

  @Test("(16) gives exponent, alignment and provisioning")
  func readCapacity16() throws {
    let bytes: [UInt8] =
      [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0x01, 0x13, 0xC0, 0x07] + Array(repeating: 0, count: 16)
    let capacity = try Self.sixteen(bytes)
    #expect(capacity.lastLogicalBlockAddress == LogicalBlockAddress(1 << 32))
    #expect(capacity.physicalBlockExponent == 3)
    #expect(capacity.lowestAlignedLogicalBlockAddress == 7)
    #expect(capacity.isProvisioningManaged)
    #expect(capacity.unmappedBlocksReadZeros)
    #expect(capacity.hasProtectionInformation)
  }

  @Test("cut short give what came, or an error")
  func short() throws {
    #expect(throws: ParameterDataError.tooShort(byteCount: 7, minimum: 8)) {
      try Self.ten(Array(repeating: 0, count: 7))
    }
    #expect(throws: ParameterDataError.tooShort(byteCount: 11, minimum: 12)) {
      try Self.sixteen(Array(repeating: 0, count: 11))
    }
    for count in 12...32 {
      let capacity = try Self.sixteen(Array(repeating: 0xFF, count: count))
      #expect(capacity.logicalBlockLengthBytes == .max)
    }
  }
}

@Suite("MODE SENSE (SPC-5, 7.5)")
struct ModeParametersTests {
  static func six(_ bytes: [UInt8]) throws(ParameterDataError) -> ModeParameters {
    try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try ModeParameters(parsingModeSense6: span)
    }
  }

  static func ten(_ bytes: [UInt8]) throws(ParameterDataError) -> ModeParameters {
    try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try ModeParameters(parsingModeSense10: span)
    }
  }

  static let caching: [UInt8] = [0x88, 0x12, 0x04] + Array(repeating: 0, count: 17)

  @Test("S06 (6) tells WP, DPOFUA and, past a block descriptor, WCE")
  func modeSense6() throws {
    let descriptor = [UInt8](repeating: 0, count: 8)
    let mode = try Self.six([31, 0, 0x90, 8] + descriptor + Self.caching)
    #expect(mode.isWriteProtected)
    #expect(mode.supportsForceUnitAccess)
    #expect(mode.writeCacheEnabled == true)
  }

  @Test("(10) tells the same from its longer header, past another page and a subpage")
  func modeSense10() throws {
    let pages: [UInt8] = [0x0A, 2, 0, 0] + [0x48, 1, 0, 2, 0xFF, 0xFF] + [0x08, 1, 0x00]
    let mode = try Self.ten([0, UInt8(6 + pages.count), 0, 0, 0, 0, 0, 0] + pages)
    #expect(!mode.isWriteProtected)
    #expect(!mode.supportsForceUnitAccess)
    #expect(mode.writeCacheEnabled == false)
  }

  @Test("S06 without the caching page tells no WCE")
  func absent() throws {
    #expect(try Self.six([3, 0, 0, 0]).writeCacheEnabled == nil)
    #expect(throws: ParameterDataError.tooShort(byteCount: 3, minimum: 4)) {
      try Self.six([3, 0, 0])
    }
    #expect(throws: ParameterDataError.tooShort(byteCount: 7, minimum: 8)) {
      try Self.ten([0, 6, 0, 0, 0, 0, 0])
    }
  }

  @Test("H54 with lengths that lie never reads past the data")
  func lies() throws {
    #expect(try Self.six([255, 0, 0, 255] + Self.caching).writeCacheEnabled == nil)
    #expect(try Self.six([255, 0, 0, 0] + Self.caching).writeCacheEnabled == true)
    #expect(try Self.six([0, 0, 0x80, 0] + Self.caching).writeCacheEnabled == nil)
    #expect(try Self.six([255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8]).writeCacheEnabled == nil)
    #expect(try Self.ten([255, 255, 0, 0, 0, 0, 255, 255] + Self.caching).writeCacheEnabled == nil)
    for byte: UInt8 in 0...255 {
      for count in 8...24 {
        _ = try Self.six(Array(repeating: byte, count: count))
        _ = try Self.ten(Array(repeating: byte, count: count))
      }
    }
  }
}

@Suite("REPORT LUNS (SPC-5, 6.33)")
struct ReportLUNsParameterDataTests {
  static func list(length: UInt32, _ numbers: [UInt64], extra: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(length)
    bytes.appendBigEndian(UInt32(0))
    for number in numbers { bytes.appendBigEndian(number) }
    return bytes + Array(repeating: 0xEE, count: extra)
  }

  @Test("H52 gives the LUNs in order, each once")
  func list() throws {
    let numbers: [UInt64] = [0, 5 << 48, 0x4100 << 48, 5 << 48]
    let report = try ReportLUNsParameterData(parsing: Self.list(length: 32, numbers))
    #expect(report.logicalUnitNumbers.map(\.name) == ["0", "5", "256"])
    #expect(!report.isTruncated)
  }

  @Test("H52 of a number listed in peripheral and in flat form the first counts")
  func bothForms() throws {
    let report = try ReportLUNsParameterData(
      parsing: Self.list(length: 32, [0x4005 << 48, 5 << 48, 6 << 48, 0x4006 << 48]))
    #expect(
      report.logicalUnitNumbers.map(\.rawValue) == [0x4005 << 48, 6 << 48])
  }

  @Test("H52 of length 0 or 7 holds none", arguments: [UInt32(0), 7])
  func tooShortForOne(length: UInt32) throws {
    let report = try ReportLUNsParameterData(parsing: Self.list(length: length, [1 << 48]))
    #expect(report.logicalUnitNumbers.isEmpty)
    #expect(!report.isTruncated)
  }

  @Test("H52 of length FFFFFFF8h holds what came, and asks for no more than the limit")
  func greatestLength() throws {
    let report = try ReportLUNsParameterData(
      parsing: Self.list(length: 0xFFFF_FFF8, [1 << 48, 2 << 48], extra: 3))
    #expect(report.logicalUnitNumbers.map(\.name) == ["1", "2"])
    #expect(report.isTruncated)
    #expect(report.wantedAllocationLength == 8 + 16384 * 8)
  }

  @Test("H52 of a length that is no multiple of 8 holds whole entries")
  func ragged() throws {
    let report = try ReportLUNsParameterData(parsing: Self.list(length: 15, [1 << 48, 2 << 48]))
    #expect(report.logicalUnitNumbers.map(\.name) == ["1"])
    #expect(report.wantedAllocationLength == 16)
  }

  @Test("H52 of more than 16384 stops there")
  func tooMany() throws {
    let numbers = (0..<20000).map { UInt64($0) << 32 }
    let report = try ReportLUNsParameterData(parsing: Self.list(length: 160_000, numbers))
    #expect(report.logicalUnitNumbers.count == 16384)
    #expect(!report.isTruncated)
  }

  @Test("without a whole header is an error")
  func noHeader() {
    #expect(throws: ParameterDataError.tooShort(byteCount: 7, minimum: 8)) {
      try ReportLUNsParameterData(parsing: Array(repeating: 0, count: 7))
    }
  }
}
