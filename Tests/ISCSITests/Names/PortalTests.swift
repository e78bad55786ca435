import Testing

@testable import ISCSI

@Suite("Portals (RFC 7143, 13.8)")
struct PortalTests {
  struct Example: Sendable {
    let text: String
    let host: String
    let port: UInt16
    let tag: UInt16?
    let printed: String
  }

  static let examples: [Example] = [
    Example(
      text: "10.0.0.1:3260,1", host: "10.0.0.1", port: 3260, tag: 1, printed: "10.0.0.1:3260,1"),
    Example(text: "10.0.0.1", host: "10.0.0.1", port: 3260, tag: nil, printed: "10.0.0.1:3260"),
    Example(text: "10.0.0.1,0", host: "10.0.0.1", port: 3260, tag: 0, printed: "10.0.0.1:3260,0"),
    Example(
      text: "[2001:db8::1]:860,65535", host: "2001:db8::1", port: 860, tag: 65535,
      printed: "[2001:db8::1]:860,65535"),
    Example(text: "[::1]", host: "::1", port: 3260, tag: nil, printed: "[::1]:3260"),
    Example(text: "fe80::2", host: "fe80::2", port: 3260, tag: nil, printed: "[fe80::2]:3260"),
    Example(
      text: "[::ffff:10.0.0.1]:1", host: "::ffff:10.0.0.1", port: 1, tag: nil,
      printed: "[::ffff:10.0.0.1]:1"),
    Example(
      text: "San-1.example.com:3261", host: "San-1.example.com", port: 3261, tag: nil,
      printed: "San-1.example.com:3261"),
  ]

  @Test("N05 addresses, names and IPv6 are read and printed", arguments: examples.indices)
  func parses(_ index: Int) throws {
    let example = Self.examples[index]
    let portal = try Portal(parsing: example.text)
    #expect(portal.host == example.host && portal.port == example.port)
    #expect(portal.targetPortalGroupTag == example.tag)
    #expect(portal.description == example.printed)
  }

  @Test(
    "H38 what is no portal is refused",
    arguments: [
      "", ",1", ":3260", "h:0", "h:65536", "h:x", "h:", "h:+1", "h,65536", "h,-1", "h,", "h,1,2",
      "[::1", "[::1]x", "[::1]:", "[10.0.0.1]:1", "[]", "[:::]", "[1:2:3]", "[1::2::3]",
      "[12345::]", "[1:2:3:4:5:6:7:8:9]", "a/b", "a b", "-h", ".h", "/run/socket", "a\u{0}b",
      "h\u{1B}", "[::1.2.3]", "[::1.2.3.256]", "ex\u{E4}mple", "1:2:3",
    ])
  func refuses(_ text: String) {
    #expect(throws: PortalError.self) { try Portal(parsing: text) }
  }

  @Test("N05 a zone is taken from people, not from targets")
  func scopes() throws {
    #expect(throws: PortalError.scoped("[fe80::1%eth0]:3260")) {
      try Portal(parsing: "[fe80::1%eth0]:3260")
    }
    #expect(try Portal(parsing: "[fe80::1%eth0]:3260", allowsScope: true).host == "fe80::1%eth0")
    #expect(throws: PortalError.self) { try Portal(parsing: "[fe80::1%../x]", allowsScope: true) }
    // IF_NAMESIZE of net/if.h is 16, the terminating zero included.
    let longest = "fe80::1%abcdefghijklmno"
    #expect(try Portal(parsing: "[\(longest)]", allowsScope: true).host == longest)
    #expect(throws: PortalError.self) { try Portal(parsing: "[\(longest)p]", allowsScope: true) }
    #expect(throws: PortalError.self) { try Portal(parsing: "[fe80::1%]", allowsScope: true) }
  }
}
