import Testing

@testable import ControlPlane
@testable import Tree

/// tree.md, "Rules for attribute and control files".
struct CommandGrammarTests {
  @Test(
    "Root commands",
    arguments: [
      ("discover 127.0.0.1:3260", .discover(source: "127.0.0.1:3260")),
      ("add iqn.a:b 10.0.0.1:3260,1", .add(name: "iqn.a:b", portal: "10.0.0.1:3260,1")),
      ("remove iqn.a:b", .remove(name: "iqn.a:b")),
      ("login", .login(name: nil)), ("login iqn.a:b", .login(name: "iqn.a:b")),
      ("logout", .logout(name: nil, force: false)),
      ("logout force", .logout(name: nil, force: true)),
      ("logout iqn.a:b force", .logout(name: "iqn.a:b", force: true)),
      ("  rescan\t", .rescan), ("shutdown", .shutdown),
    ] as [(String, RootCommand)])
  func root(text: String, command: RootCommand) throws {
    #expect(try CommandGrammar.root(text) == command)
  }

  @Test(
    "Target commands",
    arguments: [
      ("login", .login(nowait: false)), ("login nowait", .login(nowait: true)),
      ("logout", .logout(force: false)), ("logout force", .logout(force: true)),
      ("rescan", .rescan), ("remove", .remove), ("reset", .reset(isCold: false)),
      ("reset warm", .reset(isCold: false)), ("reset cold", .reset(isCold: true)),
    ] as [(String, TargetCommand)])
  func target(text: String, command: TargetCommand) throws {
    #expect(try CommandGrammar.target(text) == command)
  }

  @Test("Session commands")
  func session() throws {
    #expect(try CommandGrammar.session("logout") == .logout)
    #expect(try CommandGrammar.session("drop") == .drop)
    #expect(try CommandGrammar.session(" nop ") == .nop)
    #expect(throws: CommandError("nop takes no argument")) { try CommandGrammar.session("nop 1") }
    #expect(throws: CommandError("usage: reset [warm|cold]")) {
      try CommandGrammar.target("reset hot")
    }
  }

  @Test("Commands of a LUN and of a connection")
  func unitsAndConnections() throws {
    let commands: [(String, LogicalUnitCommand)] = [
      ("rescan", .rescan), ("reset", .reset), ("flush", .flush), ("online", .online),
      ("offline", .offline(force: false)), ("offline force", .offline(force: true)),
    ]
    for (text, command) in commands {
      #expect(try CommandGrammar.logicalUnit(text) == command)
    }
    try CommandGrammar.connection("logout")
    #expect(throws: CommandError("logout takes no argument")) {
      try CommandGrammar.connection("logout 1")
    }
    #expect(throws: CommandError("flush takes no argument")) {
      try CommandGrammar.logicalUnit("flush all")
    }
    // What the contract names and the page cache would not know of (decision 020).
    #expect(throws: CommandError.self) { try CommandGrammar.logicalUnit("unmap 0 4096") }
  }

  @Test("recovery_tmo takes seconds, or off for ever, as sysfs does")
  func recoveryTimeout() throws {
    for (text, seconds) in [("0", 0), ("120", 120), ("86400", 86_400)] as [(String, UInt64)] {
      #expect(
        try CommandGrammar.timeout(text, .recovery) == .setTimeout(.recovery, seconds: seconds))
    }
    for text in ["off", "-1"] {
      #expect(try CommandGrammar.timeout(text, .recovery) == .setTimeout(.recovery, seconds: nil))
    }
    for text in ["", "-2", "86401", "1 2", "+5", "1s", "99999999999999999999"] {
      #expect(throws: CommandError.self) { try CommandGrammar.timeout(text, .recovery) }
    }
  }

  @Test("The other waits take seconds of a day, none for ever, 0 only where it means never")
  func timeouts() throws {
    for timeout in SessionTimeout.allCases where timeout != .recovery {
      for seconds: UInt64 in [1, 86_400] {
        #expect(
          try CommandGrammar.timeout("\(seconds)", timeout)
            == .setTimeout(timeout, seconds: seconds))
      }
      for text in ["off", "-1", "86401", "", "1 2"] {
        #expect(throws: CommandError.self) { try CommandGrammar.timeout(text, timeout) }
      }
    }
    #expect(
      try CommandGrammar.timeout("0", .pingInterval) == .setTimeout(.pingInterval, seconds: 0))
    #expect(throws: CommandError("abort_tmo takes 1 to 86400 seconds")) {
      try CommandGrammar.timeout("0", .abort)
    }
    #expect(try CommandGrammar.logicalUnitTimeout("45") == .setTimeout(seconds: 45))
    #expect(throws: CommandError("timeout takes 1 to 86400 seconds")) {
      try CommandGrammar.logicalUnitTimeout("0")
    }
    #expect(throws: CommandError("timeout takes one number of seconds")) {
      try CommandGrammar.logicalUnitTimeout("4 5")
    }
    #expect(throws: CommandError("recovery_tmo takes one number of seconds, or off")) {
      try CommandGrammar.timeout("", .recovery)
    }
  }

  @Test(
    "What is wrong is refused in words that teach",
    arguments: [
      ("discover", "usage: discover SOURCE"), ("discover a b", "usage: discover SOURCE"),
      ("add x", "usage: add IQN ADDRESS[:PORT][,TPGT]"), ("rescan now", "rescan takes no argument"),
      ("logout a b", "usage: logout [IQN] [force]"),
      (
        "frobnicate",
        "unknown verb \"frobnicate\"; known verbs: discover, add, remove, login, logout, rescan, "
          + "shutdown"
      ),
      (
        "",
        "an empty command; known verbs: discover, add, remove, login, logout, rescan, shutdown"
      ),
    ])
  func refusesRoot(text: String, sentence: String) {
    #expect(throws: CommandError(sentence)) { try CommandGrammar.root(text) }
  }

  @Test("Case counts, options have one place, and other verbs are unknown")
  func refusesOthers() {
    for text in ["LOGIN", "login later", "logout now", "reset hot", "rescan x", "remove x"] {
      #expect(throws: CommandError.self) { try CommandGrammar.target(text) }
    }
    for text in ["failover", "nop 2", "drop it", "logout force"] {
      #expect(throws: CommandError.self) { try CommandGrammar.session(text) }
    }
  }

  @Test("A write is one line of UTF-8, at most 4096 bytes, with or without its newline")
  func texts() throws {
    func text(_ bytes: [UInt8]) throws -> String {
      try CommandGrammar.text(of: bytes, byteCount: bytes.count)
    }
    #expect(try text([UInt8]("login\n".utf8)) == "login")
    #expect(try text([UInt8]("login".utf8)) == "login")
    let longest = [UInt8](repeating: 0x61, count: 4096)
    #expect(try text(longest).count == 4096)
    #expect(
      throws: CommandError("a command has at most 4096 bytes, this one has 4097")
    ) { try text(longest + [0x61]) }
    #expect(throws: CommandError("a command is UTF-8 text")) { try text([0xFF, 0xFE]) }
    #expect(throws: CommandError("a write is one command of one line")) {
      try text([UInt8]("login\nlogout\n".utf8))
    }
    #expect(throws: CommandError.self) { try text([0x6C, 0]) }
  }
}
