import Testing

@testable import FuzzTargets

/// The models the program is held against are right where published vectors say so, and object.
@Suite("Oracles of the fuzzer")
struct OracleTests {
  @Test("CRC32C: the check value of 123456789, and RFC 3720's 32 zeros")
  func checksum() {
    #expect(NaiveBytes.crc32c(Array("123456789".utf8)[...]) == 0xE306_9283)
    #expect(NaiveBytes.crc32c([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
  }

  @Test("base64: the vectors of RFC 4648, 10, with and without padding")
  func base64() {
    for (text, bytes) in [
      ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
      ("Zm9vYmFy", "foobar"),
    ] {
      let unpadded = text.utf8.filter { $0 != UInt8(ascii: "=") }
      #expect(NaiveBytes.base64(Array(text.utf8)) == Array(bytes.utf8))
      #expect(NaiveBytes.base64(unpadded) == Array(bytes.utf8))
    }
    for text in ["", "A", "AA=", "AAA==", "AB==", "A===", "====", "AA*A"] {
      #expect(NaiveBytes.base64(Array(text.utf8)) == nil, "\(text)")
    }
  }

  @Test("numbers and binary values: RFC 7143, 6.1's forms and no others")
  func values() {
    #expect(NaiveText.number("0x1F") == 31 && NaiveText.number("0017") == 17)
    for text in ["", "0x", "+1", "-1", "1 ", "0xg", "18446744073709551616"] {
      #expect(NaiveText.number(text[...]) == nil, "\(text)")
    }
    #expect(NaiveText.binary("0xAb") == [0xAB] && NaiveText.binary("0bqw") == [0xAB])
    #expect(NaiveText.binary("0x1") == nil && NaiveText.binary("ab") == nil)
  }

  @Test("a map of a write objects to a byte sent twice, and to one nobody asked for")
  func write() throws {
    var model = WriteModel(expectedLength: 8, hasMap: true, immediate: 2, unsolicited: 2)
    #expect(!model.isWhole)
    #expect(throws: Disagreement.self) {
      try model.send(tag: 0xFFFF_FFFF, offset: 0, length: 2, dataSN: 0, isFinal: true)
    }
    try model.send(tag: 0xFFFF_FFFF, offset: 2, length: 2, dataSN: 0, isFinal: true)
    #expect(throws: Disagreement.self) {
      try model.send(tag: 1, offset: 4, length: 1, dataSN: 0, isFinal: true)
    }
    func takes(_ offset: Int, _ length: Int) -> Bool {
      model.takes(
        r2tSN: 0, tag: 1, offset: offset, length: length, maxBurstLength: 8, maxOutstanding: 1)
    }
    #expect(takes(4, 4) && !takes(3, 4) && !takes(5, 3) && !takes(4, 5) && !takes(4, 0))
    model.ask(tag: 1, offset: 4, length: 4)
    #expect(model.isWhole && model.hasBurst)
  }

  @Test("a map of a read objects to gaps, to bytes that have come, and to more than was asked for")
  func read() {
    var model = ReadModel(expectedLength: 8, hasMap: true)
    #expect(!model.takes(dataSN: 1, offset: 0, length: 4))
    #expect(!model.takes(dataSN: 0, offset: 4, length: 4))
    model.receive(offset: 0, length: 4)
    #expect(!model.takes(dataSN: 1, offset: 2, length: 4) && !model.isWhole)
    #expect(!model.takes(dataSN: 1, offset: 4, length: 5))
    model.receive(offset: 4, length: 4)
    #expect(model.isWhole)
  }
}
