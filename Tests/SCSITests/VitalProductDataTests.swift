import Testing

@testable import SCSI

@Suite("Vital product data (SPC-5, 7.7; SBC-4, 6.6)")
struct VitalProductDataTests {
  static func page(_ page: VitalProductDataPage, _ data: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? data.count
    return [0x00, page.rawValue, UInt8(length >> 8), UInt8(length & 0xFF)] + data
  }

  static func designator(_ codes: UInt8, _ flags: UInt8, _ bytes: [UInt8]) -> [UInt8] {
    [codes, flags, 0, UInt8(bytes.count)] + bytes
  }

  @Test("S02 page 00h lists pages in any order, each once")
  func supportedPages() throws {
    let bytes = Self.page(.supportedPages, [0xB0, 0x00, 0x83, 0x83, 0x80])
    let supported = try SupportedVitalProductData(parsing: bytes)
    #expect(supported.pages.count == 4)
    #expect(supported.contains(.blockLimits))
    #expect(!supported.contains(.logicalBlockProvisioning))
  }

  @Test("H53 a page length past the data ends with the data")
  func pageLengthTooLong() throws {
    let bytes = Self.page(.unitSerialNumber, Array("0123".utf8), length: 0xFFFF)
    #expect(try UnitSerialNumber(parsing: bytes).text == "0123")
  }

  @Test("a page length short of the data ends the page")
  func pageLengthTooShort() throws {
    let bytes = Self.page(.unitSerialNumber, Array("0123rest".utf8), length: 4)
    #expect(try UnitSerialNumber(parsing: bytes).text == "0123")
  }

  @Test("another page than requested is an error that names both")
  func otherPage() {
    let bytes = Self.page(.unitSerialNumber, [])
    #expect(
      throws: ParameterDataError.otherPage(requested: .blockLimits, found: .unitSerialNumber)
    ) { try BlockLimits(parsing: bytes) }
    #expect(throws: ParameterDataError.tooShort(byteCount: 3, minimum: 4)) {
      try DeviceIdentification(parsing: [0, 0x83, 0])
    }
  }

  @Test("H57 the serial number is trimmed and escaped")
  func serial() throws {
    let bytes = Self.page(.unitSerialNumber, Array("  a b\u{1B} \0\0".utf8))
    #expect(try UnitSerialNumber(parsing: bytes).text == "a b\\x1B")
  }

  static let naa6: [UInt8] = [0x60, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
  static let naa5: [UInt8] = [0x50, 1, 2, 3, 4, 5, 6, 0xAB]
  static let t10 = Array("LIO-ORG disk:0  a/b ".utf8)

  @Test("page 83h prefers NAA to EUI-64 to T10, of the logical unit only")
  func preference() throws {
    let port = Self.designator(0x51, 0x93, Self.naa6)
    let t10 = Self.designator(0x02, 0x01, Self.t10)
    let eui = Self.designator(0x01, 0x02, [1, 2, 3, 4, 5, 6, 7, 8])
    let naa = Self.designator(0x01, 0x03, Self.naa5)
    let long = Self.designator(0x01, 0x03, Self.naa6)
    func name(_ designators: [UInt8]) throws -> String? {
      try DeviceIdentification(parsing: Self.page(.deviceIdentification, designators)).worldWideName
    }
    #expect(try name(port) == nil)
    #expect(try name(port + t10) == "t10.LIO-ORG_disk%3A0_a%2Fb")
    #expect(try name(t10 + eui) == "eui.0102030405060708")
    #expect(try name(t10 + eui + naa) == "naa.50010203040506ab")
    #expect(try name(naa + long + t10) == "naa.600102030405060708090a0b0c0d0e0f")
  }

  @Test("page 83h tells protocol, code set, association and type")
  func designatorFields() throws {
    let bytes = Self.page(.deviceIdentification, Self.designator(0x51, 0x95, [0, 0, 0x12, 0x34]))
    let identification = try DeviceIdentification(parsing: bytes)
    let designator = try #require(identification.designators.first)
    #expect(designator.protocolIdentifier == 5)
    #expect(designator.codeSet == .binary)
    #expect(designator.association == .targetPort)
    #expect(designator.kind == .targetPortGroup)
    #expect(identification.targetPortGroup == 0x1234)
  }

  @Test("H53 a designator past the end ends the page, empty ones are left out")
  func designatorTooLong() throws {
    let good = Self.designator(0x01, 0x03, Self.naa5)
    let bytes = Self.page(
      .deviceIdentification, Self.designator(1, 3, []) + good + [0x01, 0x03, 0, 200, 0x60])
    let identification = try DeviceIdentification(parsing: bytes)
    #expect(identification.designators.count == 1)
    #expect(identification.worldWideName == "naa.50010203040506ab")
  }

  @Test("an NAA or EUI-64 of an impossible length is no name")
  func impossibleLengths() throws {
    let designators =
      Self.designator(0x01, 0x03, Array(Self.naa6.prefix(8)))
      + Self.designator(0x01, 0x03, Self.naa5 + Self.naa5) + Self.designator(0x01, 0x02, [1])
    let bytes = Self.page(.deviceIdentification, designators)
    #expect(try DeviceIdentification(parsing: bytes).worldWideName == nil)
  }

  static let limits: [UInt8] =
    [1, 8, 0, 16] + [0, 0, 0x20, 0] + [0, 0, 0x08, 0] + [0, 0, 0, 0] + [0, 0, 1, 0]
    + [0, 0, 0, 2] + [0, 0, 0, 8] + [0x80, 0, 0, 3] + [0, 0, 0, 0, 0, 1, 0, 0]

  @Test("page B0h tells the limits of transfers and of UNMAP (SBC-4, 6.6.4)")
  func blockLimits() throws {
    let limits = try BlockLimits(parsing: Self.page(.blockLimits, Self.limits))
    #expect(limits.writeSameNeedsCount)
    #expect(limits.maximumCompareAndWriteBlocks == 8)
    #expect(limits.optimalTransferLengthGranularityBlocks == 16)
    #expect(limits.maximumTransferBlocks == 0x2000)
    #expect(limits.optimalTransferBlocks == 0x0800)
    #expect(limits.maximumUnmapBlocks == 256)
    #expect(limits.maximumUnmapDescriptors == 2)
    #expect(limits.optimalUnmapGranularityBlocks == 8)
    #expect(limits.unmapGranularityAlignmentBlocks == 3)
    #expect(limits.maximumWriteSameBlocks == 0x1_0000)
  }

  @Test("page B0h of the old length reports no UNMAP, and every length is read")
  func shortBlockLimits() throws {
    let old = try BlockLimits(parsing: Self.page(.blockLimits, Array(Self.limits.prefix(12))))
    #expect(old.optimalTransferBlocks == 0x0800)
    #expect(!old.supportsUnmap)
    for count in 0...Self.limits.count {
      _ = try BlockLimits(parsing: Self.page(.blockLimits, Array(Self.limits.prefix(count))))
    }
  }

  @Test("H56 UNMAP granularity 0 is 1, and alignment stays below it")
  func unmapGranularity() throws {
    var data = Self.limits
    data.replaceSubrange(24..<28, with: [0, 0, 0, 0])
    var limits = try BlockLimits(parsing: Self.page(.blockLimits, data))
    #expect(limits.unmapGranularity == 1)
    #expect(limits.unmapAlignment == 0)
    data.replaceSubrange(24..<28, with: [0, 0, 0, 6])
    data.replaceSubrange(28..<32, with: [0xFF, 0xFF, 0xFF, 0xFF])
    limits = try BlockLimits(parsing: Self.page(.blockLimits, data))
    #expect(limits.unmapGranularity == 6)
    #expect(limits.unmapAlignment == 0x7FFF_FFFF % 6)
    data[28] = 0
    #expect(try BlockLimits(parsing: Self.page(.blockLimits, data)).unmapAlignment == 0)
  }

  @Test("page B2h tells which commands unmap, and what unmapped blocks read as (SBC-4, 6.6.7)")
  func provisioning() throws {
    let bytes = Self.page(.logicalBlockProvisioning, [0, 0xE6, 0x02, 0])
    let provisioning = try LogicalBlockProvisioning(parsing: bytes)
    #expect(provisioning.supportsUnmap)
    #expect(provisioning.supportsWriteSame16Unmap)
    #expect(provisioning.supportsWriteSame10Unmap)
    #expect(provisioning.unmappedBlocksReadZeros)
    #expect(provisioning.supportsAnchor)
    #expect(provisioning.kind == .thin)
    let pattern = Self.page(.logicalBlockProvisioning, [0, 0x08])
    #expect(try !LogicalBlockProvisioning(parsing: pattern).unmappedBlocksReadZeros)
    #expect(try LogicalBlockProvisioning(parsing: pattern).kind == .notReportedOrFull)
  }
}
