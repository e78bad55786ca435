import FoundationEssentials
import Logging
import Records
import Testing

@testable import iscsifs

@Suite("Starting")
struct StartTests {
  @Test("the ready pipe's line reads back; half a line is none")
  func messages() {
    let failure = CommandFailure(.hostNotFound, "nowhere:\nnot found")
    #expect(ReadyMessage(line: ReadyMessage.ready.line) == .ready)
    #expect(
      ReadyMessage(line: ReadyMessage.failed(failure).line)
        == .failed(CommandFailure(.hostNotFound, "nowhere: not found")))
    for line in ["", "ready", "ready now\n", "error 68\n", "error x y\n", "error 999 y\n", "\n"] {
      #expect(ReadyMessage(line: line) == nil)
    }
  }

  @Test("state is kept where option, root or user want it")
  func stateDirectory() {
    func directory(_ user: UInt32, _ environment: [String: String]) -> String {
      DaemonPlan.stateDirectory(
        options: MountOptions(), userID: user, environment: environment)
    }
    #expect(directory(0, ["HOME": "/root"]) == "/var/lib/iscsifs")
    #expect(directory(1, ["HOME": "/h"]) == "/h/.local/state/iscsifs")
    #expect(directory(1, ["HOME": "/h", "XDG_STATE_HOME": "/s"]) == "/s/iscsifs")
    #expect(directory(1, [:]) == "/tmp/iscsifs-1")
  }

  @Test("options win over the file, and the file must be the only one")
  func layers() throws {
    let path = FileManager.default.temporaryDirectory.path + "/layers-\(UUID().uuidString)"
    try Data("node.session.queue_depth = 8\nnode.session.cmds_max = 64\n".utf8)
      .write(to: URL(filePath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    let options = try MountOptions(parsing: ["node.session.queue_depth=16"])
    let configuration = try DaemonPlan.configuration(
      source: .configurationFile(path), options: options)
    #expect(configuration.session.queueDepth == 16)
    #expect(configuration.session.commandsMax == 64)
    #expect(throws: ConfigurationError.self) {
      try DaemonPlan.configuration(
        source: .configurationFile(path), options: MountOptions(parsing: ["config=/x"]))
    }
  }

  @Test("-v and ISCSIFS_LOG choose the level")
  func level() {
    #expect(LogSetup.level(verbosity: 0, variable: nil) == .notice)
    #expect(LogSetup.level(verbosity: 0, variable: "Debug") == .debug)
    #expect(LogSetup.level(verbosity: 0, variable: "loud") == .notice)
    #expect(LogSetup.level(verbosity: 2, variable: "error") == .trace)
  }

  @Test("a log line is one line, has a priority for the journal, and no escape codes")
  func logLine() {
    let event = LogEvent(
      level: .warning, message: "said \u{1B}[2J\nroot: ok", metadata: ["b": "2", "a": "1"],
      source: "", file: "", function: "", line: 0)
    let journal = LineLogHandler(label: "iscsi", level: .trace, form: .journal)
    let terminal = LineLogHandler(label: "iscsi", level: .trace, form: .terminal)
    #expect(journal.line(for: event) == "<4>said ?[2J?root: ok a=1 b=2\n")
    #expect(terminal.line(for: event) == "warning iscsi: said ?[2J?root: ok a=1 b=2\n")
  }
}
