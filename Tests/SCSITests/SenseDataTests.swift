import Testing
import Wire

@testable import SCSI

@Suite("Sense data (SPC-5, 4.4)")
struct SenseDataTests {
  @Test("in fixed format give key, code, qualifier and information (4.4.3)")
  func fixed() throws {
    let bytes: [UInt8] = [
      0xF0, 0, 0x03, 0x00, 0x01, 0x02, 0x03, 10, 0, 0, 0, 0, 0x11, 0x04, 0, 0, 0, 0,
    ]
    let sense = try #require(SenseData(parsing: bytes))
    #expect(sense.key == .mediumError)
    #expect(sense.additionalSense == AdditionalSense(code: 0x11, qualifier: 0x04))
    #expect(sense.information == 0x0001_0203)
    #expect(!sense.isDeferred)
  }

  @Test("in descriptor format give key, code, qualifier and information (4.4.2)")
  func descriptor() throws {
    let bytes: [UInt8] = [
      0x73, 0x03, 0x11, 0x00, 0, 0, 0, 20, 0x02, 6, 0, 0, 0x80, 0, 1, 0,
      0x00, 10, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 2,
    ]
    let sense = try #require(SenseData(parsing: bytes))
    #expect(sense.key == .mediumError)
    #expect(sense.additionalSense == .unrecoveredReadError)
    #expect(sense.isDeferred)
    #expect(sense.information == 0x1_0000_0002)
  }

  @Test("keep information to themselves where VALID is clear")
  func invalidInformation() throws {
    var bytes = SenseData.fixedFormat(
      key: .mediumError, additional: .writeError, information: 7)
    bytes[0] &= 0x7F
    #expect(try #require(SenseData(parsing: bytes)).information == nil)
  }

  @Test("with ILI, EOM and FILEMARK beside the key still have the key")
  func flagsBesideKey() throws {
    var bytes = SenseData.fixedFormat(key: .notReady, additional: .becomingReady)
    bytes[2] |= 0xF0
    #expect(try #require(SenseData(parsing: bytes)).key == .notReady)
  }

  @Test("H55 of vendor format 7Fh, of reserved codes and without a key are none")
  func unreadable() {
    #expect(SenseData(parsing: []) == nil)
    for code: UInt8 in [0x00, 0x6F, 0x74, 0x7E, 0x7F, 0xFF] {
      #expect(SenseData(parsing: [code] + Array(repeating: 0, count: 17)) == nil)
    }
    #expect(SenseData(parsing: [0x70, 0]) == nil)
    #expect(SenseData(parsing: [0x72]) == nil)
  }

  @Test("H55 whose additional length is 255 end where the bytes end")
  func additionalLengthTooLong() throws {
    var bytes = SenseData.fixedFormat(key: .dataProtect, additional: .writeProtected)
    bytes[7] = 255
    #expect(try #require(SenseData(parsing: bytes)).additionalSense == .writeProtected)
  }

  @Test("H55 whose additional length is short lose what lies past it")
  func additionalLengthTooShort() throws {
    var bytes = SenseData.fixedFormat(key: .dataProtect, additional: .writeProtected)
    bytes[7] = 5
    let sense = try #require(SenseData(parsing: bytes))
    #expect(sense.key == .dataProtect)
    #expect(sense.additionalSense == AdditionalSense(code: 0x27, qualifier: 0))
    bytes[7] = 0
    #expect(try #require(SenseData(parsing: bytes)).additionalSense == .noAdditionalSense)
  }

  @Test("H55 full of descriptors of length 0 end")
  func zeroLengthDescriptors() throws {
    let bytes = [0x72, 5, 0x24, 0, 0, 0, 0, 244] + [UInt8](repeating: 0, count: 244)
    let sense = try #require(SenseData(parsing: bytes))
    #expect(sense.additionalSense == .invalidFieldInCDB)
    #expect(sense.information == nil)
  }

  /// Codes 70h to 73h: current and deferred, fixed and descriptor, as sg_decode_sense reads them.
  @Test(
    "F28, H55 of 0 to 252 bytes are read as far as they go",
    arguments: [(0x70, false), (0x71, true), (0x72, false), (0x73, true)] as [(UInt8, Bool)])
  func lengths(code: UInt8, isDeferred: Bool) throws {
    let isFixed = code < 0x72
    let whole =
      isFixed
      ? [code, 0, 0x03, 0, 0, 0, 0, 244, 0, 0, 0, 0, 0x11, 0x04]
      : [code, 0x03, 0x11, 0x04, 0, 0, 0, 244]
    let bytes = whole + [UInt8](repeating: 0, count: 252 - whole.count)
    for count in [0, 1, 2, 3, 7, 13, 14, 17, 18, 252] {
      let sense = SenseData(parsing: Array(bytes.prefix(count)))
      guard count >= (isFixed ? 3 : 2) else {
        #expect(sense == nil)
        continue
      }
      #expect(sense?.key == .mediumError && sense?.isDeferred == isDeferred)
      let additional = sense?.additionalSense
      #expect(additional?.code == (count > (isFixed ? 12 : 2) ? 0x11 : 0))
      #expect(additional?.qualifier == (count > (isFixed ? 13 : 3) ? 0x04 : 0))
    }
  }

  @Test("H55 cut at any byte, with any byte changed to 255 or 0, never trap")
  func mutations() {
    let samples = [
      SenseData.fixedFormat(key: .unitAttention, additional: .powerOnOrReset, information: 9),
      SenseData.descriptorFormat(key: .mediumError, additional: .writeError, information: 1 << 40),
    ]
    for sample in samples {
      for count in 0...sample.count {
        _ = SenseData(parsing: Array(sample.prefix(count)))
        for index in 0..<count {
          for value: UInt8 in [0x00, 0x01, 0x7F, 0x80, 0xFF] {
            var bytes = Array(sample.prefix(count))
            bytes[index] = value
            _ = SenseData(parsing: bytes)
          }
        }
      }
    }
  }

  @Test("written in fixed format have the standard's bytes")
  func fixedBytes() {
    #expect(
      SenseData.fixedFormat(key: .illegalRequest, additional: .logicalUnitNotSupported)
        == [0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0])
  }

  @Test("written in either format are read back")
  func roundTrip() {
    let sense = SenseData(
      key: .mediumError, additionalSense: .unrecoveredReadError, information: 0xFFFF_FFFF)
    let fixed = SenseData.fixedFormat(
      key: sense.key, additional: sense.additionalSense, information: sense.information)
    let descriptor = SenseData.descriptorFormat(
      key: sense.key, additional: sense.additionalSense, information: sense.information)
    #expect(SenseData(parsing: fixed) == sense)
    #expect(SenseData(parsing: descriptor) == sense)
  }

  @Test("leave out information that 32 bits cannot hold")
  func wideInformation() throws {
    let bytes = SenseData.fixedFormat(
      key: .mediumError, additional: .writeError, information: 1 << 32)
    #expect(bytes[0] == 0x70)
    #expect(try #require(SenseData(parsing: bytes)).information == nil)
  }
}
