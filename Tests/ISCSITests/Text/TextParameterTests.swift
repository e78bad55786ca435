import Testing

@testable import ISCSI

@Suite("key=value text (RFC 7143, 6.1)")
struct TextParameterTests {
  private func parse(_ text: String) throws(TextError) -> [TextParameter] {
    try TextParameter.parameters(parsing: Array(text.utf8))
  }

  private func value(_ text: String) -> TextParameter { TextParameter("Key", text) }

  @Test("L11 pairs are encoded in order, each ended by NUL")
  func encodes() {
    let pairs = [TextParameter("InitialR2T", "No"), TextParameter("X", "")]
    #expect(TextParameter.encode(pairs) == Array("InitialR2T=No\0X=\0".utf8))
  }

  @Test("pairs are read whatever NULs surround them; '=' after the first belongs to the value")
  func parses() throws {
    let expected = [TextParameter("A", "1"), TextParameter("B", "x=y")]
    for text in ["A=1\0B=x=y\0", "A=1\0B=x=y", "\0\0A=1\0\0B=x=y\0\0\0"] {
      #expect(try parse(text) == expected)
    }
    #expect(try parse("") == [])
    #expect(try parse("\0\0\0") == [])
  }

  @Test("H32 what is not key=value is refused by name")
  func malformed() {
    #expect(throws: TextError.missingValue("junk")) { try parse("junk\0") }
    #expect(throws: TextError.malformedKey("")) { try parse("=\0") }
    #expect(throws: TextError.malformedKey("a b")) { try parse("a b=1\0") }
    #expect(throws: TextError.self) { try parse("\u{FFFD}\u{1}=1\0") }
    let long = String(repeating: "k", count: 63)
    #expect(throws: Never.self) { try parse(long + "=1\0") }
    #expect(throws: TextError.malformedKey(long + "k")) { try parse(long + "k=1\0") }
  }

  /// RFC 7143, 6.1: letters, digits, `.-+@_`; `#` and `/` are those of extension keys.
  private static let keyBytes = Set(
    Array(0x30...0x39) + Array(0x41...0x5A) + Array(0x61...0x7A) + [0x2E, 0x2D, 0x2B, 0x40, 0x5F]
      + [0x23, 0x2F] as [UInt8])

  @Test("H32 of all bytes only those of a key are in a key, wherever they stand")
  func rawKeys() throws {
    for byte in UInt8.min...UInt8.max where byte != 0 {
      for key in [[byte], [0x41, byte], [byte, 0x41], [0x41, byte, 0x41]] {
        let record = key + Array("=1\0".utf8)
        guard !Self.keyBytes.contains(byte) else {
          let expected = TextParameter(String(decoding: key, as: UTF8.self), "1")
          #expect(try TextParameter.parameters(parsing: record) == [expected])
          continue
        }
        // A second '=' is the value's.
        if byte == UInt8(ascii: "="), key.first != byte {
          #expect(try TextParameter.parameters(parsing: record).first?.key == "A")
          continue
        }
        let shown = key.prefix { $0 != UInt8(ascii: "=") }
        #expect(throws: TextError.malformedKey(String(decoding: shown, as: UTF8.self))) {
          try TextParameter.parameters(parsing: record)
        }
      }
    }
  }

  /// Overlong forms, surrogates, beyond U+10FFFF, cut sequences, lone continuations, a BOM.
  private static let junk: [[UInt8]] = [
    [0xC0, 0x80], [0xE0, 0x80, 0xAF], [0xF0, 0x80, 0x80, 0xAF], [0xED, 0xA0, 0x80],
    [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xE2, 0x82], [0xF0, 0x9F, 0x92],
    [0x80], [0xBF, 0xBF], [0xFE, 0xFF], [0xFF], [0xEF, 0xBB, 0xBF], [0xC3],
  ]

  @Test("H32 what is no UTF-8 is a value of its own length in characters, and none of our keys'")
  func rawValues() throws {
    for bytes in Self.junk {
      let parsed = try TextParameter.parameters(
        parsing: Array("MaxBurstLength=".utf8) + bytes + Array("\0DataDigest=None\0".utf8))
      #expect(parsed.count == 2 && parsed[1] == TextParameter("DataDigest", "None"))
      #expect(parsed[0].value == String(decoding: bytes, as: UTF8.self))
      #expect(!parsed[0].value.isEmpty && parsed[0].value.unicodeScalars.count <= bytes.count)
      #expect(throws: TextError.self) { try parsed[0].number(in: 0...UInt64.max) }
      #expect(throws: TextError.self) { try parsed[0].boolean() }
      #expect(throws: TextError.self) { try parsed[0].binary(maximumByteCount: 16) }
      #expect(throws: TextError.self) {
        try TextParameter.parameters(parsing: bytes + Array("=1\0".utf8))
      }
      #expect(throws: TextError.self) { try TextParameter.parameters(parsing: bytes) }
    }
    // No '=', '=' only, NUL only.
    #expect(throws: TextError.missingValue("AB")) {
      try TextParameter.parameters(parsing: [0x41, 0x42])
    }
    #expect(throws: TextError.malformedKey("")) {
      try TextParameter.parameters(parsing: [0x3D])
    }
    #expect(try TextParameter.parameters(parsing: [UInt8](repeating: 0, count: 65_536)) == [])
    #expect(throws: TextError.self) {
      try TextParameter.parameters(parsing: [UInt8](repeating: 0x3D, count: 65_536))
    }
    #expect(throws: TextError.self) {
      try TextParameter.parameters(parsing: [UInt8](repeating: 0xFF, count: 65_536))
    }
  }

  @Test("H32 the sentence of any junk is printable, one line and short")
  func junkSentences() {
    for bytes in Self.junk + (1...31).map({ [$0] }) + [[0x7F], Array("\u{202E}x".utf8)] {
      for text in [bytes, bytes + Array("=1".utf8), [0x41] + bytes + bytes] {
        do throws(TextError) {
          _ = try TextParameter.parameters(
            parsing: Array(repeatElement(text, count: 40).joined()))
          Issue.record("\(text) is no key=value")
        } catch {
          #expect(error.sentence.utf8.count < 400)
          #expect(error.sentence.unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) })
        }
      }
    }
  }

  @Test("H32 values, keys and text have bounds")
  func bounds() throws {
    let fits = String(repeating: "v", count: 8191)
    #expect(try parse("K=" + fits + "\0").first?.value == fits)
    #expect(throws: TextError.valueTooLong(key: "K", limit: 8191)) {
      try parse("K=" + fits + "v\0")
    }
    let many = String(repeating: "A=1\0", count: 1000)
    #expect(try parse(many).count == 1000)
    #expect(throws: TextError.tooManyKeys(limit: 1000)) { try parse(many + "A=1\0") }
    #expect(throws: TextError.tooManyKeys(limit: 1000)) {
      try parse(String(repeating: "A=1\0", count: 100_000))
    }
    var accumulator = TextAccumulator()
    for _ in 0..<8 { try accumulator.append([UInt8](repeating: 0, count: 8192)) }
    #expect(throws: TextError.textTooLong(limit: 65536)) { try accumulator.append([0]) }
  }

  @Test("L32 text split at every byte is joined exactly")
  func accumulates() throws {
    let text = Array("HeaderDigest=None\0FirstBurstLength=65536\0".utf8)
    for split in 0...text.count {
      var accumulator = TextAccumulator()
      try accumulator.append(Array(text[..<split]))
      try accumulator.append(Array(text[split...]))
      #expect(
        try accumulator.take() == [
          TextParameter("HeaderDigest", "None"), TextParameter("FirstBurstLength", "65536"),
        ])
      #expect(accumulator.isEmpty)
    }
  }

  @Test("H33 numbers: decimal and 0x; everything else is refused")
  func numbers() throws {
    let legal: [(String, UInt64)] = [
      ("0", 0), ("8192", 8192), ("0x10", 16), ("0XfF", 255), ("007", 7),
      ("18446744073709551615", .max), ("0xFFFFFFFFFFFFFFFF", .max),
    ]
    for (text, expected) in legal {
      #expect(try value(text).number(in: 0...UInt64.max) == expected)
    }
    for text in [
      "", "0x", "-1", "+1", "1e9", "99999999999999999999", "18446744073709551616", " 1", "1 ",
      "0x1G", "1.0", "٣", "x", "0x10000000000000000", String(repeating: "0", count: 33),
    ] {
      #expect(throws: TextError.notNumber(key: "Key", value: text)) {
        try value(text).number(in: 0...UInt64.max)
      }
    }
    #expect(throws: TextError.outOfRange(key: "Key", value: 511, allowed: 512...1024)) {
      try value("511").number(in: 512...1024)
    }
  }

  @Test("H33 ranges run upwards")
  func ranges() throws {
    #expect(try value("1~0x10").numberRange() == 1...16)
    for text in ["5~1", "1", "~", "1~", "1~2~3"] {
      #expect(throws: TextError.self) { try value(text).numberRange() }
    }
  }

  @Test("L15 booleans are Yes and No")
  func booleans() throws {
    #expect(try value("Yes").boolean())
    #expect(try !value("No").boolean())
    for text in ["Maybe", "yes", "", "None", "Yes,No"] {
      #expect(throws: TextError.notBoolean(key: "Key", value: text)) {
        try value(text).boolean()
      }
    }
  }

  @Test("C27 binary values: hexadecimal and base64, in either letter case of the prefix")
  func binaries() throws {
    let expected = Array(UInt8(0)...15)
    for text in [
      "0x000102030405060708090a0b0c0d0e0f", "0X000102030405060708090A0B0C0D0E0F",
      "0bAAECAwQFBgcICQoLDA0ODw==", "0BAAECAwQFBgcICQoLDA0ODw==", "0bAAECAwQFBgcICQoLDA0ODw",
    ] {
      #expect(try value(text).binary(maximumByteCount: 16) == expected)
    }
  }

  @Test("C14, C27 what is not a binary value is refused, never cut")
  func badBinaries() {
    for text in [
      "", "0x", "0b", "0x1", "0xABC", "0xZZ", "0x00 01", "AAEC", "0bA", "0bAA=C", "0bA===",
      "0bAAE=A", "0bAB==", "0bAAF=", "0b AAEC", "0bAAEC\u{0}", "0b====", "0x\u{0}0",
    ] {
      #expect(throws: TextError.malformedBinary(key: "Key"), "\(text)") {
        try value(text).binary(maximumByteCount: 1024)
      }
    }
  }

  @Test("C11, C13 a binary value of 1024 bytes fits, of 1025 does not")
  func binaryBounds() throws {
    let fits = "0x" + String(repeating: "5a", count: 1024)
    #expect(try value(fits).binary(maximumByteCount: 1024).count == 1024)
    #expect(throws: TextError.binaryTooLong(key: "Key", limit: 1024)) {
      try value(fits + "5a").binary(maximumByteCount: 1024)
    }
    #expect(throws: TextError.binaryTooLong(key: "Key", limit: 1024)) {
      try value("0b" + String(repeating: "AAAA", count: 342)).binary(maximumByteCount: 1024)
    }
  }

  @Test("sentences show hostile text escaped and short")
  func sentences() {
    let hostile = "\u{1B}[2J" + String(repeating: "é", count: 900)
    let error = TextError.notBoolean(key: "K", value: hostile)
    #expect(error.sentence.hasPrefix("K=\\x1B[2J"))
    #expect(error.sentence.utf8.count < 320)
    #expect(error.sentence.utf8.allSatisfy { (0x20...0x7E).contains($0) })
  }
}
