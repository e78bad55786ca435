import Testing

@testable import ISCSI

@Suite("CHAP, one way (RFC 7143, 12.1.3; RFC 1994)")
struct CHAPTests {
  private static let credentials = CHAPCredentials(
    name: "user", secret: Array("iscsi-secret-01".utf8))
  private static let challenge = "0x000102030405060708090a0b0c0d0e0f"

  /// A login that has offered its algorithms.
  private func offered(_ policy: AuthenticationPolicy? = nil) throws -> ScriptedLogin {
    var login = ScriptedLogin { $0.authentication = policy ?? .chapRequired(Self.credentials) }
    #expect(!login.view.transits)
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    #expect(login.said == [TextParameter("CHAP_A", "5")])
    return login
  }

  /// Answers the offer of algorithms with `text`.
  private func challenged(_ text: String) throws -> ScriptedLogin {
    var login = try offered()
    try login.answer(text, current: .securityNegotiation)
    return login
  }

  // Computed by Python's hashlib: md5(bytes([identifier]) + secret + challenge).
  @Test("C01 the response is the MD5 of identifier, secret and challenge")
  func vectors() {
    let upTo15 = Array(UInt8(0)...15)
    #expect(
      CHAPAlgorithm.md5.response(
        identifier: 0x27, secret: Array("iscsi-secret-01".utf8), challenge: upTo15)
        == bytes("255fc1bfe701bd4c2cc41d67a8e3a6e9"))
    #expect(
      CHAPAlgorithm.md5.response(
        identifier: 0, secret: Array("twelve-bytes".utf8),
        challenge: bytes("ffeeddccbbaa99887766554433221100"))
        == bytes("c967e697b6a23cc87345ff589cd6a4ba"))
    #expect(
      CHAPAlgorithm.md5.response(
        identifier: 255, secret: Array("s".utf8), challenge: [UInt8](repeating: 0x5A, count: 1024))
        == bytes("019e18ee50b37f47db96ed308a0281c7"))
    #expect(
      CHAPAlgorithm.md5.response(
        identifier: 1, secret: Array(UInt8(0)..<255), challenge: [UInt8](repeating: 0, count: 8))
        == bytes("b75160df664b3d834e7b952ef97d5eb4"))
  }

  @Test("C01, L30 a login with CHAP, and what its transcript hides")
  func login() throws {
    var login = try challenged("CHAP_A=5\0CHAP_I=39\0CHAP_C=\(Self.challenge)\0")
    #expect(
      login.said == [
        TextParameter("CHAP_N", "user"),
        TextParameter("CHAP_R", "0x255fc1bfe701bd4c2cc41d67a8e3a6e9"),
      ])
    #expect(login.view.transits && login.view.next == .operationalNegotiation)
    try login.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    #expect(try login.finish() != nil)
    let lines = login.machine.transcript.lines
    #expect(lines.contains("> CHAP_R=********") && lines.contains("< CHAP_C=********"))
    #expect(lines.contains("> CHAP_N=user") && lines.contains("< AuthMethod=CHAP"))
    #expect(!lines.contains { $0.contains("255fc1") || $0.contains("0001020304") })
  }

  @Test("C05, C08, C09, C10 every identifier, decimal or hexadecimal, has its own response")
  func identifiers() throws {
    var responses: Set<String> = []
    for identifier in 0...255 {
      for text in ["\(identifier)", "0x" + String(identifier, radix: 16)] {
        let login = try challenged("CHAP_A=5\0CHAP_I=\(text)\0CHAP_C=\(Self.challenge)\0")
        responses.insert(try #require(login.said("CHAP_R")))
      }
    }
    #expect(responses.count == 256)
  }

  @Test(
    "C02, C03, C04, C06, C07, C12, C13, C14, C15, C27 malformed challenges end the login",
    arguments: [
      "CHAP_A=6\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=0\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=256\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=MD5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5,7\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_I=1\0CHAP_C=0x0011223344556677\0", "CHAP_A=5\0CHAP_I=1\0", "CHAP_A=5\0", "CHAP_I=1\0",
      "CHAP_A=5\0CHAP_C=0x0011223344556677\0", "CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=256\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=-1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=x\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x00\0", "CHAP_A=5\0CHAP_I=1\0CHAP_C=\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x\0", "CHAP_A=5\0CHAP_I=1\0CHAP_C=0b\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x00112233445566778\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0011223344556677 \0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0CHAP_N=target\0",
      "AuthMethod=CHAP\0", "AuthMethod=None\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x" + String(repeating: "00", count: 1025) + "\0",
    ])
  func malformed(_ text: String) throws {
    var login = try offered()
    do {
      try login.answer(text, current: .securityNegotiation)
      Issue.record("accepted \(text)")
    } catch LoginError.authentication(let error) {
      #expect(!error.sentence.isEmpty)
      #expect(LoginError.authentication(error).errorCode == .loginAuthenticationFailed)
    } catch LoginError.repeatedKey {
    }
  }

  @Test("C11 challenges of 8 to 1024 bytes, hexadecimal or base64")
  func challenges() throws {
    let long = String(repeating: "5a", count: 1024)
    let wide = String(repeating: "WlpaWlpa", count: 170) + "WlpaWg=="
    let hexadecimal = try challenged("CHAP_A=5\0CHAP_I=1\0CHAP_C=0x\(long)\0")
    let base64 = try challenged("CHAP_A=5\0CHAP_I=1\0CHAP_C=0b\(wide)\0")
    #expect(hexadecimal.said("CHAP_R") == base64.said("CHAP_R"))
    #expect(try challenged("CHAP_A=0x5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0").view.transits)
  }

  @Test("C28 a name that looks like a number stays text")
  func names() throws {
    var login = ScriptedLogin {
      $0.authentication = .chapRequired(CHAPCredentials(name: "0x41", secret: [1]))
    }
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    try login.answer(
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=\(Self.challenge)\0", current: .securityNegotiation)
    #expect(login.said("CHAP_N") == "0x41")
  }

  @Test("L13, L30 required CHAP never falls back; preferred CHAP may")
  func downgrade() throws {
    for answer in ["None", "foo", "Reject", "CHAP,None", "NotUnderstood", ""] {
      var login = ScriptedLogin { $0.authentication = .chapRequired(Self.credentials) }
      #expect(login.said("AuthMethod") == "CHAP")
      #expect(throws: LoginError.authentication(.methodNotOffered(answer))) {
        try login.answer("AuthMethod=\(answer)\0", current: .securityNegotiation)
      }
    }
    var preferred = ScriptedLogin { $0.authentication = .chapPreferred(Self.credentials) }
    #expect(preferred.said("AuthMethod") == "CHAP,None")
    try preferred.answer("AuthMethod=None\0", current: .securityNegotiation)
    #expect(preferred.view.transits)
    var none = ScriptedLogin()
    #expect(throws: LoginError.authentication(.methodNotOffered("CHAP"))) {
      try none.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    }
  }

  @Test("C29 a target that skips authentication is refused at every step")
  func skips() throws {
    var first = ScriptedLogin { $0.authentication = .chapRequired(Self.credentials) }
    #expect(throws: LoginError.authentication(.skipped)) {
      try first.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    }
    var second = try offered()
    #expect(throws: LoginError.authentication(.skipped)) {
      try second.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    }
  }

  @Test("C30 a wrong secret is one refusal with open-iscsi's code 24")
  func wrongSecret() throws {
    var login = try challenged("CHAP_A=5\0CHAP_I=1\0CHAP_C=\(Self.challenge)\0")
    do {
      try login.answer("", current: .securityNegotiation) { $0.header.word4 |= 0x0201_0000 }
      Issue.record("accepted")
    } catch {
      #expect(error.errorCode.rawValue == 24 && error.errorCode.name == "LOGIN_AUTH_FAILED")
      #expect(error.sentence == "the target refused the login: Authentication failure (0x0201)")
    }
  }
}
