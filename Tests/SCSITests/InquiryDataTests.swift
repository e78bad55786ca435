import Testing

@testable import SCSI

@Suite("Standard INQUIRY data (SPC-5, 6.7.2)")
struct InquiryDataTests {
  /// 36 bytes of a disk behind the kernel's target.
  static func bytes(vendor: String = "LIO-ORG", product: String = "disk0") -> [UInt8] {
    func field(_ text: String, _ count: Int) -> [UInt8] {
      let padding = max(0, count - text.utf8.count)
      return Array(text.utf8.prefix(count)) + Array(repeating: 0x20, count: padding)
    }
    return [0x00, 0x80, 0x06, 0x02, 31, 0x38, 0x00, 0x02] + field(vendor, 8) + field(product, 16)
      + field("4.0", 4)
  }

  @Test("give the names trimmed and the flags")
  func fields() throws {
    let inquiry = try InquiryData(parsing: Self.bytes())
    #expect(inquiry.peripheralQualifier == .connected)
    #expect(inquiry.peripheralDeviceType == .disk)
    #expect(inquiry.isRemovable)
    #expect(inquiry.version == 6)
    #expect(inquiry.targetPortGroupSupport == [.implicit, .explicit])
    #expect(inquiry.supportsThirdPartyCopy)
    #expect(!inquiry.supportsProtectionInformation)
    #expect(inquiry.supportsCommandQueuing)
    #expect(inquiry.vendor == "LIO-ORG")
    #expect(inquiry.product == "disk0")
    #expect(inquiry.revision == "4.0")
  }

  @Test("H57 show escape codes, NULs inside, backslashes and non-ASCII as hexadecimal escapes")
  func escapes() throws {
    let bytes = Self.bytes(vendor: "\u{1B}[2J\u{7F}", product: "a\0b\\é")
    let inquiry = try InquiryData(parsing: bytes)
    #expect(inquiry.vendor == "\\x1B[2J\\x7F")
    #expect(inquiry.product == "a\\x00b\\x5C\\xC3\\xA9")
  }

  @Test("S01 cut at any byte are read as far as they go, but one byte is needed")
  func short() throws {
    let bytes = Self.bytes()
    #expect(throws: ParameterDataError.tooShort(byteCount: 0, minimum: 1)) {
      try InquiryData(parsing: [])
    }
    for count in 1...bytes.count {
      let inquiry = try InquiryData(parsing: Array(bytes.prefix(count)))
      #expect(inquiry.presence == .file)
      #expect("LIO-ORG".hasPrefix(inquiry.vendor))
    }
    #expect(try InquiryData(parsing: Array(bytes.prefix(5))).vendor == "")
  }

  @Test("H53 do not believe their additional length, 0 or 255", arguments: [UInt8(0), 255])
  func additionalLength(length: UInt8) throws {
    var bytes = Self.bytes()
    bytes[4] = length
    #expect(try InquiryData(parsing: bytes).product == "disk0")
  }
}

/// The sentences of the mounted tree's contract, "Which LUNs exist", that INQUIRY alone decides.
@Suite("Which LUNs exist")
struct LogicalUnitPresenceTests {
  static func presence(_ firstByte: UInt8) throws -> LogicalUnitPresence {
    try InquiryData(parsing: [firstByte, 0, 5, 2, 31]).presence
  }

  @Test("qualifier 011b, whatever the type (7Fh): no file")
  func notSupported() throws {
    for type: UInt8 in 0...0x1F {
      #expect(try Self.presence(0x60 | type) == .absent)
    }
  }

  @Test("qualifier 001b with type 1Fh (3Fh): no file")
  func notConnectedUnknown() throws {
    #expect(try Self.presence(0x3F) == .absent)
  }

  @Test("qualifier 001b with a real type: offline")
  func notConnected() throws {
    for type: UInt8 in 0..<0x1F {
      #expect(try Self.presence(0x20 | type) == .offline)
    }
  }

  @Test("disk and CD: a file")
  func blockDevices() throws {
    #expect(try Self.presence(0x00) == .file)
    #expect(try Self.presence(0x05) == .file)
  }

  @Test("other types: information without a file")
  func otherTypes() throws {
    for type: UInt8 in 0...0x1F where type != 0 && type != 5 {
      #expect(try Self.presence(type) == .informationOnly)
    }
  }

  @Test("reserved and vendor-specific qualifiers: information without a file")
  func otherQualifiers() throws {
    for qualifier: UInt8 in [0b010, 0b100, 0b101, 0b110, 0b111] {
      #expect(try Self.presence(qualifier << 5) == .informationOnly)
    }
  }
}
