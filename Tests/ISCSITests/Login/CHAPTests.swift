import Testing

@testable import ISCSI

@Suite("CHAP, one way (RFC 7143, 12.1.3; RFC 1994)")
struct CHAPTests {
  private static let credentials = CHAPParameters(
    CHAPCredentials(name: "user", secret: Array("iscsi-secret-01".utf8)))
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

  /// Computed by Python's hashlib, h(bytes([identifier]) + secret + challenge): for each of
  /// `questions`, in its order.
  private static let vectors: [(CHAPAlgorithm, [String])] = [
    (
      .md5,
      [
        "255fc1bfe701bd4c2cc41d67a8e3a6e9", "c967e697b6a23cc87345ff589cd6a4ba",
        "019e18ee50b37f47db96ed308a0281c7", "b75160df664b3d834e7b952ef97d5eb4",
      ]
    ),
    (
      .sha1,
      [
        "2ca9ae5f963ac815b6990a97b5dcc775ff31177f", "0c3016b5ac14e2b30fb8d2f7d0b8aac61859c56c",
        "5c4acbaac7c15a1820efc9b75d4d0e7b07498716", "740e685e7d63ca18b960cb9d13f19c6ed82a4d12",
      ]
    ),
    (
      .sha256,
      [
        "19a00de6d3b8aca33c6d96a613b27345a69d46810fefe2b2a58ad56c104c7c55",
        "9feae7ce3b2307fe9ab541a7539b3cc04609bf946730c3ef7675c36593db0944",
        "e5fe8ef8406d241ee1b7a5e0eaa8b754525f512c2d28e9058230f840795730a5",
        "3e94b68c33d5e7d7e38353769eebaa32cfe9e54bfa5c594ec37daba3b5171f94",
      ]
    ),
    (
      .sha3of256,
      [
        "c74da8d0296a60e799391198e96486a8873cc5b57c36af1106e4d6e739e627da",
        "11c9f5b2459a8a7ec53d4a3323dccc959eaac432e1081056b46e12d0f561de29",
        "90038d69b2de9fe678eacc986343e9f6a6dddd43043a5332b2e26ec5218d69ab",
        "c1f1ec6e6bff01ee56db669b5e07ea5003a94913d414612bb3d0ef9e365007f0",
      ]
    ),
  ]

  private static let questions: [(identifier: UInt8, secret: [UInt8], challenge: [UInt8])] = [
    (0x27, Array("iscsi-secret-01".utf8), Array(0...15)),
    (0, Array("twelve-bytes".utf8), bytes("ffeeddccbbaa99887766554433221100")),
    (255, Array("s".utf8), [UInt8](repeating: 0x5A, count: 1024)),
    (1, Array(0..<255), [UInt8](repeating: 0, count: 8)),
  ]

  @Test("C01 the response is the hash of identifier, secret and challenge, by each algorithm")
  func vectors() {
    #expect(Self.vectors.map(\.0) == CHAPAlgorithm.allCases)
    for (algorithm, answers) in Self.vectors {
      for (question, answer) in zip(Self.questions, answers) {
        let response = algorithm.response(
          identifier: question.identifier, secret: question.secret, challenge: question.challenge)
        #expect(response == bytes(answer) && response.count == algorithm.responseByteCount)
      }
    }
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
    "C02, C03, C04, C06, C07, C12, C13, C14, C15, C27, H40, H41, H42, H47 malformed challenges",
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
      "CHAP_A=\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=-5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=Reject\0CHAP_I=1\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_I=2\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=0x100\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=99999999999999999999\0CHAP_C=0x0011223344556677\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x001122334455667g\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0011223344556677\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0bAAEC=wQFBgc\0", "CHAP_A=5\0CHAP_I=1\0CHAP_C=0bAAECAwQFBgd\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0bAAECAwQFBg c\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x" + String(repeating: "00", count: 1025) + "\0",
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0b" + String(repeating: "AAAA", count: 342) + "\0",
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

  @Test("H42, C13 a challenge of 64 KiB over many PDUs is refused, and no more than that is kept")
  func endlessChallenge() throws {
    var login = try offered()
    try login.answer(
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x", current: .securityNegotiation, continues: true)
    #expect(throws: LoginError.text(.textTooLong(limit: TextAccumulator.maximumByteCount))) {
      for _ in 0..<16 {
        try login.answer(
          String(repeating: "5a", count: 4096), current: .securityNegotiation, continues: true)
      }
    }
    var shorter = try offered()
    try shorter.answer(
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=0x", current: .securityNegotiation, continues: true)
    #expect(throws: LoginError.text(.valueTooLong(key: "CHAP_C", limit: 8191))) {
      try shorter.answer(String(repeating: "5a", count: 4096), current: .securityNegotiation)
    }
  }

  @Test("C28 a name that looks like a number stays text")
  func names() throws {
    var login = ScriptedLogin {
      $0.authentication = .chapRequired(CHAPParameters(CHAPCredentials(name: "0x41", secret: [1])))
    }
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    try login.answer(
      "CHAP_A=5\0CHAP_I=1\0CHAP_C=\(Self.challenge)\0", current: .securityNegotiation)
    #expect(login.said("CHAP_N") == "0x41")
  }

  @Test("L13, L30, H45 required CHAP never falls back; preferred CHAP may")
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

  @Test("C29, H45 a target that skips authentication is refused at every step")
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

  @Test("C33 every algorithm is offered in the configured order, and the target chooses")
  func choice() throws {
    let all: [CHAPAlgorithm] = [.sha3of256, .sha256, .sha1, .md5]
    for (algorithm, answers) in Self.vectors {
      var parameters = Self.credentials
      parameters.algorithms = all
      var login = ScriptedLogin { [parameters] in $0.authentication = .chapRequired(parameters) }
      try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
      #expect(login.said == [TextParameter("CHAP_A", "8,7,6,5")])
      try login.answer(
        "CHAP_A=\(algorithm.rawValue)\0CHAP_I=39\0CHAP_C=\(Self.challenge)\0",
        current: .securityNegotiation)
      #expect(login.said("CHAP_R") == "0x" + answers[0])
      #expect(login.machine.chosenAlgorithm == algorithm)
    }
  }

  @Test("C02, H40 an algorithm we know and did not offer is refused")
  func notOffered() throws {
    for number in ["6", "7", "8", "9"] {
      #expect(throws: LoginError.authentication(.algorithmNotOffered(number))) {
        try challenged("CHAP_A=\(number)\0CHAP_I=1\0CHAP_C=\(Self.challenge)\0")
      }
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
