import Testing
import Wire

@testable import ISCSI

@Suite("CHAP, both ways (RFC 7143, 12.1.3 and 9.2.1)")
struct MutualCHAPTests {
  private static let ours = CHAPCredentials(name: "user", secret: Array("iscsi-secret-01".utf8))
  private static let theirs = CHAPCredentials(
    name: "target", secret: Array("target-secret-2".utf8))
  private static let challenge = CHAPChallenge(identifier: 0x81, bytes: Array(0xA0...0xBF))
  private static let question = "CHAP_A=5\0CHAP_I=39\0CHAP_C=0x000102030405060708090a0b0c0d0e0f\0"
  /// Python: md5(b"\x27" + b"iscsi-secret-01" + bytes(range(16))).
  private static let ourResponse = "0x255fc1bfe701bd4c2cc41d67a8e3a6e9"
  /// Python: md5(b"\x81" + b"target-secret-2" + bytes(range(0xa0, 0xb0))).
  private static let answer = "720a8544c89685510c50222a065942c9"

  /// A login that has answered the target's challenge and sent its own.
  private func challenged(
    algorithms: [CHAPAlgorithm] = [.md5], question: String = MutualCHAPTests.question
  ) throws(LoginError) -> ScriptedLogin {
    var login = ScriptedLogin {
      $0.authentication = .chapRequired(
        CHAPParameters(Self.ours, target: Self.theirs, algorithms: algorithms))
      $0.challenge = Self.challenge
    }
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    try login.answer(question, current: .securityNegotiation)
    return login
  }

  /// The target's answer in the response that leaves the security stage.
  private func answered(_ text: String) throws(LoginError) -> ScriptedLogin {
    var login = try challenged()
    try login.answer(text, current: .securityNegotiation, next: .operationalNegotiation)
    return login
  }

  @Test("C01, C35 our challenge goes with our response, and the right answer logs in")
  func right() throws {
    var login = try challenged()
    #expect(
      login.said == [
        TextParameter("CHAP_N", "user"), TextParameter("CHAP_R", Self.ourResponse),
        TextParameter("CHAP_I", "129"),
        TextParameter("CHAP_C", "0xa0a1a2a3a4a5a6a7a8a9aaabacadaeaf"),
      ])
    #expect(login.view.transits && login.view.next == .operationalNegotiation)
    try login.answer(
      "CHAP_N=target\0CHAP_R=0x\(Self.answer)\0", current: .securityNegotiation,
      next: .operationalNegotiation)
    #expect(try login.finish() != nil)
    let lines = login.machine.transcript.lines
    #expect(lines.contains("> CHAP_C=********") && lines.contains("< CHAP_R=********"))
    #expect(lines.contains("< CHAP_N=target"))
  }

  @Test("C01 an answer that comes before the target lets us go is as good")
  func twoSteps() throws {
    var login = try challenged()
    try login.answer(
      "CHAP_N=target\0CHAP_R=0x\(Self.answer.uppercased())\0", current: .securityNegotiation)
    #expect(login.said.isEmpty && login.view.transits)
    try login.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    #expect(try login.finish() != nil)
  }

  /// Python: sha256 and sha3_256 over the whole challenge, sha1 over its first 20 bytes.
  @Test(
    "C33 the target's answer by the other algorithms",
    arguments: [
      (CHAPAlgorithm.sha1, "9fb7bfd20011ac10d661c32ab60db8622d40a820"),
      (.sha256, "efc42f85bd37e45a8d89029431228cd9ca4cf34f999f0c615f344ed28f0e0714"),
      (.sha3of256, "5ba849b2da347c476442fdccc09ba742bf7e5ac2e35ea9210988a2d931bbcb38"),
    ])
  func algorithms(_ algorithm: CHAPAlgorithm, answer: String) throws {
    let question = Self.question.replacing("CHAP_A=5", with: "CHAP_A=\(algorithm.rawValue)")
    var login = try challenged(algorithms: [.md5, algorithm], question: question)
    let challenge = Self.challenge.bytes.prefix(algorithm.responseByteCount)
    #expect(login.said("CHAP_C") == TextParameter.hexadecimal(of: challenge))
    try login.answer(
      "CHAP_N=target\0CHAP_R=0x\(answer)\0", current: .securityNegotiation,
      next: .operationalNegotiation)
    #expect(try login.finish() != nil)
  }

  @Test("C24 an answer wrong in any one bit is refused")
  func wrongBits() throws {
    let right = bytes(Self.answer)
    for index in 0..<(right.count * 8) {
      var wrong = right
      wrong[index / 8] ^= 0x80 >> UInt8(index % 8)
      #expect(throws: LoginError.authentication(.wrongResponse)) {
        try answered("CHAP_N=target\0CHAP_R=\(TextParameter.hexadecimal(of: wrong))\0")
      }
    }
  }

  @Test("C25, H43 an answer of another length is refused", arguments: [1, 15, 17, 20, 1024])
  func lengths(_ count: Int) {
    let response = [UInt8](repeating: 0x5A, count: count)
    #expect(throws: LoginError.authentication(.responseLength(count, expected: 16))) {
      try answered("CHAP_N=target\0CHAP_R=\(TextParameter.hexadecimal(of: response))\0")
    }
  }

  @Test("C26, H44 our own response come back is refused")
  func reflectedResponse() {
    #expect(throws: LoginError.authentication(.reflectedResponse)) {
      try answered("CHAP_N=target\0CHAP_R=\(Self.ourResponse)\0")
    }
  }

  @Test("C17, H44 our own challenge come back ends the login before we answer")
  func reflectedChallenge() {
    for count in [8, 16, 32] {
      let text = TextParameter.hexadecimal(of: Self.challenge.bytes.prefix(count))
      #expect(throws: LoginError.authentication(.reflectedChallenge)) {
        try challenged(question: "CHAP_A=5\0CHAP_I=39\0CHAP_C=\(text)\0")
      }
    }
  }

  @Test("C09 the target's identifier may be ours")
  func sameIdentifier() throws {
    let question = Self.question.replacing("CHAP_I=39", with: "CHAP_I=129")
    #expect(try challenged(question: question).view.transits)
  }

  @Test("C19 names of 1 to 255 bytes, 0x and 0b in front or not, are text", arguments: [1, 255])
  func names(_ count: Int) throws {
    for start in ["", "0x41", "0b41"] where start.utf8.count <= count {
      let name = start + String(repeating: "n", count: count - start.utf8.count)
      var login = ScriptedLogin {
        $0.authentication = .chapRequired(
          CHAPParameters(
            CHAPCredentials(name: name, secret: Self.ours.secret),
            target: CHAPCredentials(name: name + "t", secret: Self.theirs.secret)))
        $0.challenge = Self.challenge
      }
      try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
      try login.answer(Self.question, current: .securityNegotiation)
      #expect(login.said("CHAP_N") == name)
    }
    let name = String(repeating: "0x", count: 127) + "0"
    var login = ScriptedLogin {
      $0.authentication = .chapRequired(
        CHAPParameters(
          Self.ours, target: CHAPCredentials(name: name, secret: Self.theirs.secret)))
      $0.challenge = Self.challenge
    }
    try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
    try login.answer(Self.question, current: .securityNegotiation)
    try login.answer(
      "CHAP_N=\(name)\0CHAP_R=0x\(Self.answer)\0", current: .securityNegotiation,
      next: .operationalNegotiation)
    #expect(login.view.current == .operationalNegotiation)
  }

  @Test("C20, C21, C22, C23, H43 a name too long, missing, ours, or another's is refused")
  func wrongNames() {
    let response = "CHAP_R=0x\(Self.answer)\0"
    let long = String(repeating: "n", count: 256)
    let cases: [(String, AuthenticationError)] = [
      ("CHAP_N=\(long)\0" + response, .malformed(.valueTooLong(key: "CHAP_N", limit: 255))),
      (response, .missingKey("CHAP_N")),
      ("CHAP_N=target\0", .missingKey("CHAP_R")),
      ("CHAP_N=user\0" + response, .ownName),
      ("CHAP_N=other\0" + response, .targetName("other")),
      ("CHAP_N=\0" + response, .targetName("")),
      ("CHAP_N=Target\0" + response, .targetName("Target")),
      ("CHAP_N=target \0" + response, .targetName("target ")),
      ("CHAP_N=target\0" + response + "CHAP_I=1\0", .unexpectedKey("CHAP_I")),
      ("CHAP_A=5\0CHAP_I=1\0CHAP_C=0x0011223344556677\0", .missingKey("CHAP_N")),
    ]
    for (text, error) in cases {
      #expect(throws: LoginError.authentication(error)) { try answered(text) }
      #expect(!error.sentence.isEmpty)
    }
  }

  @Test("C21, C25, H43 a name before its turn, and an answer in no form")
  func outOfOrder() {
    #expect(throws: LoginError.authentication(.missingKey("CHAP_A"))) {
      try challenged(question: "CHAP_N=target\0CHAP_R=0x\(Self.answer)\0")
    }
    #expect(throws: LoginError.authentication(.unexpectedKey("CHAP_N"))) {
      try challenged(question: Self.question + "CHAP_N=target\0CHAP_R=0x\(Self.answer)\0")
    }
    for value in ["", "0x", "0b", "0x1", Self.answer, "0x" + Self.answer + "0"] {
      #expect(throws: LoginError.authentication(.malformed(.malformedBinary(key: "CHAP_R")))) {
        try answered("CHAP_N=target\0CHAP_R=\(value)\0")
      }
    }
    let long = TextParameter.hexadecimal(of: [UInt8](repeating: 1, count: 1025))
    #expect(
      throws: LoginError.authentication(.malformed(.binaryTooLong(key: "CHAP_R", limit: 1024)))
    ) { try answered("CHAP_N=target\0CHAP_R=\(long)\0") }
  }

  @Test("C29, H46 a target that goes on without its half is refused at every step")
  func skipped() throws {
    #expect(throws: LoginError.authentication(.unproven)) { try answered("") }
    var straight = try challenged()
    #expect(throws: LoginError.transition(3)) {
      try straight.answer("", current: .securityNegotiation, next: .fullFeaturePhase, tsih: 1)
    }
    var waiting = try challenged()
    try waiting.answer("", current: .securityNegotiation)
    #expect(throws: LoginError.authentication(.unproven)) {
      try waiting.answer("", current: .securityNegotiation, next: .operationalNegotiation)
    }
    var early = ScriptedLogin {
      $0.authentication = .chapRequired(CHAPParameters(Self.ours, target: Self.theirs))
      $0.challenge = Self.challenge
    }
    #expect(throws: LoginError.authentication(.methodNotOffered("None"))) {
      try early.answer("AuthMethod=None\0", current: .securityNegotiation)
    }
  }

  @Test("C10, C35 every login has a challenge and a response of its own")
  func fresh() throws {
    var generator = SystemRandomNumberGenerator()
    let challenges = (0..<2).map { _ in CHAPChallenge(using: &generator) }
    #expect(challenges[0] != challenges[1])
    let said = try challenges.map { challenge throws(LoginError) in
      var login = ScriptedLogin {
        $0.authentication = .chapRequired(CHAPParameters(Self.ours, target: Self.theirs))
        $0.challenge = challenge
      }
      try login.answer("AuthMethod=CHAP\0", current: .securityNegotiation)
      try login.answer(Self.question, current: .securityNegotiation)
      return login.said("CHAP_C")
    }
    #expect(said[0] != said[1])
  }

  @Test("C16 a million challenges of ours do not repeat")
  func unique() {
    var generator = SystemRandomNumberGenerator()
    var seen = Set<UInt64>(minimumCapacity: 1_000_000)
    for _ in 0..<1_000_000 {
      let challenge = CHAPChallenge(using: &generator)
      // The shortest part of it that a hash takes is twice as long.
      seen.insert(challenge.bytes.withRawSpan { $0.bigEndian(at: 0, as: UInt64.self) })
    }
    #expect(seen.count == 1_000_000)
  }

  @Test("comparing takes all bytes into account, and lengths")
  func comparison() {
    #expect(CHAPExchange.isEqual([], []) && CHAPExchange.isEqual([1, 0x80], [1, 0x80]))
    #expect(!CHAPExchange.isEqual([1], [1, 0]) && !CHAPExchange.isEqual([0x80], [0]))
    #expect(!CHAPExchange.isEqual([1, 2], [2, 1]))
  }

  @Test("a secret is in no description of what carries it")
  func descriptions() {
    var parameters = LoginParameters(
      initiatorName: "iqn.2001-04.com.example:me", session: .discovery, isid: ScriptedLogin.isid)
    let secret = CHAPCredentials(name: "user", secret: Array("S3CRET".utf8))
    parameters.authentication = .chapRequired(CHAPParameters(secret, target: secret))
    var dumped = ""
    dump(parameters, to: &dumped)
    let texts = ["\(parameters)", String(reflecting: parameters), dumped, "\(secret)"]
    for text in texts { #expect(!text.contains("83, 51") && !text.contains("S3CRET")) }
    #expect(!dumped.contains("83\n"))
  }
}
