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
