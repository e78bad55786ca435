import Testing

@testable import ControlPlane
@testable import Tree

struct StatusTableTests {
  @Test("Targets, states, sessions, LUNs and sizes stand in columns")
  func table() throws {
    var idle = try Fixtures.target("iqn.b", units: [], sessions: [])
    idle.state = .loggedOut
    let text = StatusTable.text(of: Fixtures.initiator([try Fixtures.target(), idle]))
    #expect(
      text == """
        Initiator: iqn.2026-01.org.example:host
        Channel: dev

        TARGET                STATE       SESSIONS  LUN      SIZE  LUN STATE  DEVICE
        iqn.2026-01.org:disk  LOGGED_IN          1  lun1  1.0 MiB  running    IET VIRTUAL-DISK
                                                    lun2  1.0 MiB  running    IET VIRTUAL-DISK
                                                    lun3        -  running    IET VIRTUAL-DISK
        iqn.b                 LOGGED_OUT         0  -           -  -          -

        """)
  }

  @Test("What is recovering says below the table since when, until when and why")
  func recovering() throws {
    var lost = try Fixtures.target(units: [])
    lost.state = .recovering
    lost.outage = Outage(since: Fixtures.noon, patience: .until(Fixtures.afterwards))
    lost.lastError = "4 TRANS 127.0.0.1:3260: connection refused"
    let text = StatusTable.text(of: Fixtures.initiator([lost, try Fixtures.target("iqn.b")]))
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(
      lines.suffix(3) == [
        "",
        "iqn.2026-01.org:disk: RECOVERING since 2026-11-26T12:00:00.000Z until "
          + "2026-11-26T12:02:00.000Z: 4 TRANS 127.0.0.1:3260: connection refused",
        "",
      ])
  }

  @Test("Without targets it says what to do")
  func empty() {
    #expect(StatusTable.text(of: Fixtures.initiator([])).contains("echo \"discover HOST\""))
  }

  @Test(
    "Sizes are rounded down to a decimal",
    arguments: [
      (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1536, "1.5 KiB"),
      (1 << 30, "1.0 GiB"), (UInt64.max, "15.9 EiB"),
    ] as [(UInt64, String)])
  func sizes(bytes: UInt64, text: String) {
    #expect(StatusTable.size(bytes) == text)
  }
}
