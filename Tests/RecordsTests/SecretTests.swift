import Testing

@testable import Records

@Suite("Secrets")
struct SecretTests {
  private func sentence(_ text: String, objection: String? = nil) -> String? {
    var configuration = Configuration()
    do throws(ConfigurationError) {
      try configuration.apply(
        ConfigurationText.settings(in: text, path: "f", objectionToSecrets: objection))
      try configuration.validate()
      return nil
    } catch { return error.description }
  }

  private let chap = "node.session.auth.authmethod = CHAP\nnode.session.auth.username = me\n"

  @Test("a secret from a protected file is taken, and sessions and discovery have their own")
  func taken() throws {
    var configuration = Configuration()
    try configuration.apply(
      ConfigurationText.settings(
        in: chap + "node.session.auth.password = 0123456789ab\n"
          + "discovery.sendtargets.auth.password = ba9876543210\n",
        path: "f", objectionToSecrets: nil))
    #expect(configuration.authentication.secret == Secret("0123456789ab"))
    #expect(configuration.discovery.authentication.secret == Secret("ba9876543210"))
    #expect(configuration.discovery.authentication.method == .none)
  }

  @Test(
    "a secret others can read is refused by file, line and what to do; the secret is not shown",
    arguments: [
      "node.session.auth.password", "node.session.auth.password_in",
      "discovery.sendtargets.auth.password", "discovery.sendtargets.auth.password_in",
    ])
  func refused(key: String) {
    let sentence = sentence("\(key) = S3CRET-CANARY", objection: "f has mode 0644; do this")
    #expect(
      sentence == "f:1: \(key) is a secret and is not taken from here: f has mode 0644; do this")
  }

  @Test("a malformed line about a password is not echoed")
  func notEchoed() {
    #expect(sentence("node.session.auth.password S3CRET-CANARY")?.contains("CANARY") == false)
  }

  @Test("C32 secrets below 96 bits need allow_weak (RFC 7143, 9.2.1)")
  func weak() {
    let short = chap + "node.session.auth.password = 0123456789a\n"
    #expect(sentence(short)?.contains("shorter than 12 bytes") == true)
    #expect(sentence(short + "node.session.auth.allow_weak = Yes") == nil)
    let mutual =
      chap + "node.session.auth.password = 0123456789ab\nnode.session.auth.username_in = it\n"
      + "node.session.auth.password_in = 0123456789a\n"
    #expect(sentence(mutual)?.contains("password_in is shorter than 12 bytes") == true)
    #expect(sentence(mutual + "node.session.auth.allow_weak = Yes") == nil)
  }

  @Test("C32 secrets are of 1 to 255 bytes")
  func length() {
    for key in ["node.session.auth.password", "discovery.sendtargets.auth.password_in"] {
      let longest = String(repeating: "s", count: 255)
      #expect(sentence("\(key) = \(longest)") == nil)
      #expect(
        sentence("\(key) = s\(longest)")
          == "f:1: \(key) cannot be \"********\"; it takes a secret of 1 to 255 bytes")
    }
  }

  @Test("C31 one secret for both ways is refused (RFC 7143, 9.2.1)")
  func equal() {
    let both =
      chap + "node.session.auth.password = 0123456789ab\n"
      + "node.session.auth.username_in = it\nnode.session.auth.password_in = "
    #expect(sentence(both + "0123456789ab")?.contains("are the same") == true)
    #expect(sentence(both + "0123456789ac") == nil)
  }

  @Test("C31, C34 nor may the target's secret in one kind of session be ours in the other")
  func equalAcross() {
    func settings(_ sessionIn: String, _ discoveryIn: String) -> String {
      let discovery = "discovery.sendtargets.auth"
      return chap + "node.session.auth.password = our-secret-01\n"
        + "node.session.auth.username_in = it\nnode.session.auth.password_in = \(sessionIn)\n"
        + "\(discovery).authmethod = CHAP\n\(discovery).username = me\n"
        + "\(discovery).password = our-secret-02\n\(discovery).username_in = it\n"
        + "\(discovery).password_in = \(discoveryIn)\n"
    }
    #expect(sentence(settings("its-secret-01", "its-secret-02")) == nil)
    #expect(sentence(settings("its-secret-01", "its-secret-01")) == nil)
    #expect(sentence(settings("our-secret-02", "its-secret-02"))?.contains("the same") == true)
    #expect(sentence(settings("its-secret-01", "our-secret-01"))?.contains("the same") == true)
  }

  @Test("CHAP without a name or a secret says which key is missing")
  func incomplete() {
    #expect(
      sentence("node.session.auth.authmethod = CHAP")
        == "configuration: node.session.auth.authmethod is CHAP, but node.session.auth.username "
        + "is not set")
    #expect(sentence(chap)?.contains("node.session.auth.password is not set") == true)
    let whole = chap + "node.session.auth.password = 0123456789ab\n"
    for half in ["username_in = it", "password_in = ab0123456789"] {
      #expect(
        sentence(whole + "node.session.auth.\(half)")?.contains("mutual CHAP needs both") == true)
    }
  }

  @Test("C33 any one algorithm will do, in the order written")
  func algorithms() throws {
    let whole = chap + "node.session.auth.password = 0123456789ab\nnode.session.auth.chap_algs = "
    for list in ["SHA256", "SHA3-256,SHA256,SHA1,MD5", "MD5"] {
      #expect(sentence(whole + list) == nil)
    }
    #expect(sentence(whole + "MD4")?.contains("it takes a list of MD5, SHA1") == true)
    #expect(sentence(whole + "MD5,MD5") != nil)
  }

  @Test("only a file of mode 0600 or 0400 that is ours or root's may hold one")
  func protection() {
    func objection(_ permissions: UInt32, owner: UInt32) -> String? {
      FileProtection(isRegular: true, permissions: permissions, ownerID: owner)
        .objectionToSecrets(path: "/c", userID: 1000)
    }
    #expect(objection(0o600, owner: 1000) == nil)
    #expect(objection(0o400, owner: 0) == nil)
    #expect(objection(0o640, owner: 1000) == "/c has mode 0640; do: chmod 600 /c")
    #expect(objection(0o604, owner: 1000) != nil)
    #expect(objection(0o4600, owner: 1000) != nil)
    #expect(
      objection(0o600, owner: 1001) == "/c belongs to user 1001; its owner must be you or root")
  }
}
