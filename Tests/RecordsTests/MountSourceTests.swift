import SystemPackage
import Testing

@testable import Records

@Suite("Mount sources")
struct MountSourceTests {
  @Test(
    "portals, files and none",
    arguments: [
      ("host", .portal(PortalAddress(host: "host"))),
      ("10.0.0.5:860", .portal(PortalAddress(host: "10.0.0.5", port: 860))),
      ("[2001:db8::1]:3261", .portal(PortalAddress(host: "2001:db8::1", port: 3261))),
      ("[::1]", .portal(PortalAddress(host: "::1"))),
      ("fe80::1%eth0", .portal(PortalAddress(host: "fe80::1%eth0"))),
      ("./none", .configurationFile("./none")),
      ("/etc/iscsifs.conf", .configurationFile("/etc/iscsifs.conf")),
      ("none", .none),
    ] as [(String, MountSource)])
  func parses(text: String, expected: MountSource) throws {
    #expect(try MountSource(parsing: text) == expected)
  }

  @Test(
    "what is no source",
    arguments: [
      ("", .empty),
      ("host:", .badPortal("host:", .port)),
      ("host:0", .badPortal("host:0", .port)),
      ("host:65536", .badPortal("host:65536", .port)),
      ("host:3260x", .badPortal("host:3260x", .port)),
      (":3260", .badPortal(":3260", .host)),
      ("-f", .badPortal("-f", .host)),
      ("a b", .badPortal("a b", .host)),
      ("[::1", .badPortal("[::1", .openBracket)),
      ("[::1]x", .badPortal("[::1]x", .port)),
      ("[host]:1:2", .badPortal("[host]:1:2", .port)),
      ("http://host", .unknownScheme("http")),
      ("isns://host:3205", .notSupported(scheme: "isns")),
      ("slp://", .notSupported(scheme: "slp")),
    ] as [(String, MountSourceError)])
  func refuses(text: String, expected: MountSourceError) {
    #expect(throws: expected) { try MountSource(parsing: text) }
    #expect(!expected.description.isEmpty)
  }

  @Test("isns:// and slp:// are EOPNOTSUPP, the rest is EINVAL")
  func errno() {
    #expect(MountSourceError.notSupported(scheme: "slp").errno == .notSupported)
    #expect(MountSourceError.empty.errno == .invalidArgument)
  }

  @Test("a portal prints in the form it is read in")
  func prints() throws {
    for text in ["host:3260", "[::1]:860"] {
      #expect(try PortalAddress(parsing: text).description == text)
    }
  }
}
