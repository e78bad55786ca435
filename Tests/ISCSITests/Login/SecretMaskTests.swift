import Testing

@testable import ISCSI

/// What a capture shows of a login.
struct SecretMaskTests {
  private func masked(_ pieces: [String]) -> String {
    var mask = SecretMask()
    var result: [UInt8] = []
    for (index, piece) in pieces.enumerated() {
      result += mask.masked([UInt8](piece.utf8), continues: index < pieces.count - 1)
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static let text =
    "AuthMethod=CHAP\0CHAP_A=5\0CHAP_I=1\0CHAP_C=0xABCD\0CHAP_N=user\0CHAP_R=0x01=2\0X=1\0"
  private static let expected =
    "AuthMethod=CHAP\0CHAP_A=5\0CHAP_I=1\0CHAP_C=******\0CHAP_N=user\0CHAP_R=******\0X=1\0"

  @Test("Challenges and responses are masked, nothing else, and no length changes")
  func masks() { #expect(masked([Self.text]) == Self.expected) }

  @Test("Wherever a text is cut, its secrets stay masked", arguments: 1..<80)
  func cut(at place: Int) {
    let bytes = Array(Self.text.utf8)
    guard place < bytes.count else { return }
    let pieces = [bytes[..<place], bytes[place...]].map { String(decoding: $0, as: UTF8.self) }
    #expect(masked(pieces) == Self.expected)
  }

  @Test("A text that is over leaves nothing behind for the next")
  func ends() {
    var mask = SecretMask()
    #expect(mask.masked([UInt8]("CHAP_R=1".utf8), continues: false) == [UInt8]("CHAP_R=*".utf8))
    #expect(mask.masked([UInt8]("23".utf8), continues: false) == [UInt8]("23".utf8))
  }

  @Test("A key is its bytes: marks behind it hide no secret, letters that look alike mask nothing")
  func equivalents() {
    #expect(masked(["KRB_\u{301}=12\0"]) == "KRB_\u{301}=**\0")
    #expect(masked(["\u{212A}RB_A=12\0"]) == "\u{212A}RB_A=12\0")
  }

  @Test("A key too long is no secret's and costs no memory")
  func longKey() {
    let key = String(repeating: "K", count: 100_000) + "=v\0CHAP_R=1\0"
    #expect(masked([key]).hasSuffix("K=v\0CHAP_R=*\0"))
  }
}
