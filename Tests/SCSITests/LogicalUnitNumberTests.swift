import Testing

@testable import SCSI

@Suite("Logical unit numbers (SAM-5, 4.7)")
struct LogicalUnitNumberTests {
  @Test("below 256 use peripheral device addressing, from there flat space")
  func addressingMethod() {
    #expect(LogicalUnitNumber(number: 0).rawValue == 0)
    #expect(LogicalUnitNumber(number: 255).rawValue == 0x00FF_0000_0000_0000)
    #expect(LogicalUnitNumber(number: 256).rawValue == 0x4100_0000_0000_0000)
    #expect(LogicalUnitNumber(number: 16383).rawValue == 0x7FFF_0000_0000_0000)
  }

  @Test("every number has a decimal name that leads back to it")
  func decimalNames() {
    for number in 0..<LogicalUnitNumber.flatSpaceLimit {
      let logicalUnit = LogicalUnitNumber(number: number)
      #expect(logicalUnit.number == Int(number))
      #expect(logicalUnit.name == String(number))
      #expect(LogicalUnitNumber(name: logicalUnit.name) == logicalUnit)
    }
  }

  /// Another bus, the logical unit method, extended flat space, a second level.
  static let unnumbered: [UInt64] = [
    0x0101_0000_0000_0000, 0x8001_0000_0000_0000, 0xD200_0001_0000_0000, 0x0001_0002_0000_0000,
    0x0000_0000_0000_0001, .max,
  ]

  @Test("that are neither peripheral nor flat are named 0x and 16 digits", arguments: unnumbered)
  func hexadecimalNames(rawValue: UInt64) {
    let logicalUnit = LogicalUnitNumber(rawValue: rawValue)
    #expect(logicalUnit.number == nil)
    #expect(logicalUnit.name.count == 18)
    #expect(LogicalUnitNumber(name: logicalUnit.name) == logicalUnit)
  }

  @Test("in extended flat space show all their digits")
  func extendedFlatSpaceName() {
    #expect(LogicalUnitNumber(rawValue: 0xD200_0001_0000_0000).name == "0xd200000100000000")
  }

  @Test(
    "are found by no other spelling",
    arguments: [
      "", "+1", "-1", "01", " 1", "1 ", "16384", "65536", "1e3", "0x", "0x1", "0x+200000100000000",
      "0xD200000100000000", "0x0001000000000000", "0xd2000001000000000", "lun1",
    ])
  func otherSpellings(name: String) {
    #expect(LogicalUnitNumber(name: name) == nil)
  }

  @Test("reported in flat space below 256 keep their bits, and the short name")
  func flatBelow256() {
    let logicalUnit = LogicalUnitNumber(rawValue: 0x4005_0000_0000_0000)
    #expect(logicalUnit.name == "5")
    #expect(logicalUnit != LogicalUnitNumber(number: 5))
  }
}
