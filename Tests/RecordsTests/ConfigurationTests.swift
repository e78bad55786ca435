import Testing

@testable import Records

@Suite("Configuration")
struct ConfigurationTests {
  private func configuration(
    _ text: String, objection: String? = nil
  ) throws(ConfigurationError) -> Configuration {
    var configuration = Configuration()
    try configuration.apply(
      ConfigurationText.settings(in: text, path: "f.conf", objectionToSecrets: objection))
    try configuration.validate()
    return configuration
  }

  private func sentence(_ text: String, objection: String? = nil) -> String? {
    do throws(ConfigurationError) {
      _ = try configuration(text, objection: objection)
      return nil
    } catch { return error.description }
  }

  @Test("an empty file gives open-iscsi's defaults")
  func defaults() throws {
    let made = try configuration("")
    #expect(made == Configuration())
    #expect(made.session.commandsMax == 128)
    #expect(made.session.queueDepth == 32)
    #expect(made.timeouts.replacementSeconds == 120)
    #expect(made.negotiation.firstBurstLength == 262_144)
    #expect(made.negotiation.maxBurstLength == 16_776_192)
    #expect(made.negotiation.maxOutstandingR2T == 8)
    #expect(made.negotiation.maxRecvDataSegmentLength == 262_144)
    #expect(made.discovery.maxRecvDataSegmentLength == 32_768)
  }

  @Test("keys, comments, blank lines, CRLF and a # inside a value")
  func lines() throws {
    let made = try configuration(
      """
      # comment
        # comment after blanks

      node.session.cmds_max=64
      \tnode.conn[0].iscsi.HeaderDigest = CRC32C,None  \r
      node.session.iscsi.ImmediateData = no
      node.session.timeo.replacement_timeout = -1
      InitiatorName = iqn.2005-03.org.Example:Host
      node.session.auth.username = a#b
      """)
    #expect(made.session.commandsMax == 64)
    #expect(made.negotiation.headerDigest == .crc32cOrNone)
    #expect(!made.negotiation.immediateData)
    #expect(made.timeouts.replacementSeconds == -1)
    #expect(made.initiatorName?.rawValue == "iqn.2005-03.org.example:host")
    #expect(made.authentication.userName == "a#b")
  }

  @Test("the last of two lines wins")
  func lastWins() throws {
    let made = try configuration("node.conn[0].port = 1\nnode.conn[0].port = 2\n")
    #expect(made.node.port == 2)
  }

  @Test(
    "what is wrong is named with file, line and what would be right",
    arguments: [
      (
        "\nnode.session.cmd_max = 3",
        "f.conf:2: \"node.session.cmd_max\" is not a key iscsifs knows; "
          + "did you mean node.session.cmds_max?"
      ),
      (
        "cmds_max = 3",
        "f.conf:1: \"cmds_max\" is not a key iscsifs knows; "
          + "did you mean node.session.cmds_max?"
      ),
      ("x.y.z = 3", "f.conf:1: \"x.y.z\" is not a key iscsifs knows"),
      (
        "node.startup",
        "f.conf:1: \"node.startup\" is neither a comment (#) nor a line of the form "
          + "key = value"
      ),
      (
        "node.startup =",
        "f.conf:1: \"node.startup =\" is neither a comment (#) nor a line of the "
          + "form key = value"
      ),
      (
        "node.startup = never",
        "f.conf:1: node.startup cannot be \"never\"; it takes one of "
          + "\"manual\", \"automatic\", \"onboot\""
      ),
      (
        "node.session.cmds_max = 100",
        "f.conf:1: node.session.cmds_max cannot be \"100\"; it takes "
          + "a power of two from 2 to 2048"
      ),
      (
        "node.session.cmds_max = 4096",
        "f.conf:1: node.session.cmds_max cannot be \"4096\"; it "
          + "takes a power of two from 2 to 2048"
      ),
      (
        "node.session.queue_depth = -1",
        "f.conf:1: node.session.queue_depth cannot be \"-1\"; it "
          + "takes a whole number from 1 to 1024"
      ),
      (
        "node.session.iscsi.FirstBurstLength = 99999999999999999999",
        "f.conf:1: "
          + "node.session.iscsi.FirstBurstLength cannot be \"99999999999999999999\"; it takes "
          + "a whole number from 512 to 16777215"
      ),
      (
        "node.session.iscsi.FirstBurstLength = 1024\nnode.session.iscsi.MaxBurstLength = 512",
        "configuration: node.session.iscsi.FirstBurstLength (1024) is above "
          + "node.session.iscsi.MaxBurstLength (512)"
      ),
      (
        "node.name = iqn.2005-03.org.example:t",
        "configuration: node.name names a target, but "
          + "node.conn[0].address does not say where it is"
      ),
    ])
  func errors(text: String, expected: String) {
    #expect(sentence(text) == expected)
  }

  @Test("a line of escape codes is shown harmless")
  func escapes() {
    #expect(sentence("\u{1B}[2J")?.contains("\u{1B}") == false)
  }

  @Test("open-iscsi's other keys are accepted and named with the reason")
  func withoutEffect() throws {
    let made = try configuration(
      "node.session.xmit_thread_priority = -20\niface.hwaddress = 00:11\niface.hwaddress = 00:11")
    #expect(
      made.withoutEffect == [
        "node.session.xmit_thread_priority: there is no transmit thread",
        "iface.hwaddress: the kernel's routes choose the interface",
      ])
  }

  @Test("no key is both honoured and without effect, and no honoured key appears twice")
  func tables() {
    for key in ConfigurationKey.all { #expect(IgnoredKey.matching(key.name) == nil) }
    #expect(Set(ConfigurationKey.all.map(\.name)).count == ConfigurationKey.all.count)
  }

  @Test("what is printed reads back as the same configuration")
  func printing() throws {
    var made = try configuration(
      """
      node.session.iscsi.DataSequenceInOrder = yes, no
      node.session.nr_sessions = 4
      node.conn[0].address = fe80::1%eth0
      discovery.sendtargets.auth.chap_algs = SHA256,MD5
      """)
    #expect(try configuration(made.text()) == made)
    made.authentication.secret = Secret("S3CRET-CANARY")
    #expect(
      made.text(prefix: "node.session.auth.pass") == "node.session.auth.password = ********\n")
    #expect(!"\(made)".contains("CANARY"))
    #expect(!String(reflecting: made).contains("CANARY"))
    var dumped = ""
    dump(made, to: &dumped)
    #expect(!dumped.contains("CANARY"))
  }
}
