import Testing

@testable import ISCSI

@Suite("iSCSI names (RFC 7143, 4.2.7; RFC 3722)")
struct ISCSINameTests {
  static let plain = [
    "iqn.2001-04.com.example:storage.disk1", "iqn.1992-08.com.netapp:sn.1234",
    "iqn.2001-04.com.example", "eui.02004567a425678d", "naa.52004567ba64678d",
    "naa.62004567ba64678d0123456789abcdef", "iqn.2010-12.org.x:a:b:c",
  ]

  /// Names a hostile or careless target might send.
  static let hostile = [
    "", ".", "..", "/", "../..", "../../etc/passwd", "/etc/shadow", "iqn.2001-04.com.example/..",
    "iqn.2001-04.com.example:../x", "iqn.2001-04.com.example:a/b", "iqn.", "iqn.2001-04.", "eui.",
    "naa.", "iqn.2001-13.com.example:x", "iqn.2001-00.com.example", "iqn.20010-4.com.example",
    "eui.02004567A425678", "eui.0200456g7a425678", "naa.123", "disk1", "config", "discover",
    "%2e%2e", "%", "%%", "iqn.2001-04.com.example:a b", "iqn.2001-04.com.example:\n0.0.0.0:1,1 x",
    "iqn.2001-04.com.example:\u{0}", "\u{1B}[2J", "iqn.2001-04.com.example:\u{7F}",
    "iqn.2001-04.com.example:\u{FFFD}", "iqn.2001-04.com.ex\u{E4}mple:x",
    "iqn.2001-04.com.example:\u{2024}\u{2024}\u{FF0F}", "\u{202E}nqi", "iqn.2001-04.com.a:\u{212A}",
    " iqn.2001-04.com.example", "iqn.2001-04.com.example:x,3260", "iqn.2001-04.com.example:\\",
    "~root", "-rf", "*", "iqn.2001-04.com.example:\u{1F4A9}",
    String(repeating: "a", count: 224), String(repeating: "/", count: 5_000),
    "iqn.2001-04.com.example:" + String(repeating: "x", count: 200),
  ]

  @Test("N10 the three forms are plain and their own directory names", arguments: plain)
  func plainNames(_ text: String) throws {
    let name = try ISCSIName(text)
    #expect(name.isPlain && name.value == text && name.directoryName == text)
  }

  @Test("N10 letters are folded to lower case")
  func folds() throws {
    #expect(
      try ISCSIName("IQN.2001-04.COM.Example:Disk")
        == ISCSIName(
          "iqn.2001-04.com.example:disk"))
    #expect(try ISCSIName("EUI.02004567A425678D").value == "eui.02004567a425678d")
  }

  @Test("N10 223 bytes are the most; empty and unprintable names are refused")
  func refuses() throws {
    let base = "iqn.2001-04.com.example:"
    let longest = base + String(repeating: "x", count: 223 - base.utf8.count)
    #expect(try ISCSIName(longest).isPlain)
    #expect(throws: ISCSINameError.tooLong(byteCount: 224)) { try ISCSIName(longest + "x") }
    #expect(throws: ISCSINameError.empty) { try ISCSIName("") }
    for text in ["iqn.2001-04.com.example:\n", "\u{1B}", "a\u{0}", "\u{9B}", "a\u{FFFD}"] {
      #expect(throws: ISCSINameError.unprintable) { try ISCSIName(text) }
    }
  }

  @Test("N10 what RFC 3722 would have to prepare is kept as it is, and is not plain")
  func keeps() throws {
    let name = try ISCSIName("iqn.2001-04.com.ex\u{E4}mple:X")
    #expect(!name.isPlain && name.value == "iqn.2001-04.com.ex\u{E4}mple:X")
    #expect(try !ISCSIName("disk1").isPlain)
  }

  /// The standard library's Unicode data say which characters NFKC and case folding change.
  @Test("N10 a plain name is one that preparation leaves as it is, whatever character is in it")
  func preparation() {
    // RFC 3722, 6.2: the ASCII that is prohibited.
    let prohibited: [ClosedRange<UInt32>] = [
      0x00...0x2C, 0x2F...0x2F, 0x3B...0x40, 0x5B...0x60, 0x7B...0x7F,
    ]
    for value: UInt32 in 0...0x2_FFFF {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let text = "iqn.2001-04.com.example:" + String(Character(scalar))
      guard let name = try? ISCSIName(text) else { continue }
      let isLegal = value < 0x80 && !prohibited.contains { $0.contains(value) }
      guard name.isPlain == isLegal else {
        Issue.record("U+\(String(value, radix: 16))")
        continue
      }
      let isFixed = name.value.unicodeScalars.allSatisfy {
        !$0.properties.changesWhenNFKCCaseFolded
      }
      // What is not plain is kept byte for byte, and has an escape in its directory's name.
      let isKept = name.value.utf8.elementsEqual(text.utf8)
      guard isLegal ? isFixed : isKept && name.directoryName.hasPrefix("%69qn.") else {
        Issue.record("U+\(String(value, radix: 16)): \(name.directoryName)")
        continue
      }
    }
  }

  /// Each pair is one name to RFC 3722. Nobody here prepares them: each answers to its own bytes.
  @Test(
    "N10 spellings that preparation would make one are two names with two directories",
    arguments: [
      ("\u{E9}", "e\u{301}"), ("\u{212A}", "k"), ("\u{FF41}", "a"), ("\u{FB01}", "fi"),
      ("\u{DF}", "ss"), ("\u{C9}", "\u{E9}"), ("a\u{AD}", "a"), ("\u{2024}", "."),
    ])
  func spellings(_ first: String, _ second: String) throws {
    let names = try [first, second].map { try ISCSIName("iqn.2001-04.com.example:" + $0) }
    #expect(names[0] != names[1] && names[0].directoryName != names[1].directoryName)
    #expect(!names[0].isPlain)
  }

  @Test("a hostile name never leaves its directory", arguments: hostile.indices)
  func hostileNames(_ index: Int) {
    let name = ISCSIName.directoryName(of: Self.hostile[index])
    #expect(!name.isEmpty && name != "." && name != ".." && name.utf8.count <= 255)
    #expect(
      name.utf8.allSatisfy { byte in
        "abcdefghijklmnopqrstuvwxyz0123456789-.:%ABCDEF".utf8.contains(byte)
      })
    // Only plain names go without %, so nothing escaped can stand where a plain name does.
    let isPlain = (try? ISCSIName(Self.hostile[index]))?.isPlain ?? false
    #expect(name.hasPrefix("%") == !isPlain)
  }

  @Test("different names have different directories")
  func distinct() {
    let all = Self.hostile + Self.plain + Self.hostile.map { ISCSIName.directoryName(of: $0) }
    let texts = Set(all.filter { (try? ISCSIName($0))?.isPlain != true })
    #expect(Set(texts.map { ISCSIName.directoryName(of: $0) }).count == texts.count)
    let long = String(repeating: "/", count: 200)
    #expect(ISCSIName.directoryName(of: long + "a") != ISCSIName.directoryName(of: long + "b"))
  }

  @Test("escapes are written as bytes")
  func escapes() {
    #expect(ISCSIName.directoryName(of: "..") == "%2E.")
    #expect(ISCSIName.directoryName(of: "a/B") == "%61%2F%42")
    #expect(ISCSIName.directoryName(of: "") == "%")
    #expect("a\u{1B}\\\u{E9}".escapedForTerminal == "a\\x1B\\\\\\xC3\\xA9")
  }
}
