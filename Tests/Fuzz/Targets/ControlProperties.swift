import ControlPlane
import Tree

/// Writes to control files.
///
/// Input: which control file (one byte), then the write.
enum ControlProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let scope = input.byte() % 4
    let write = input.remainder()
    let text: String
    do { text = try CommandGrammar.text(of: write, byteCount: write.count) } catch {
      try holdSentence(error.sentence, of: "a write that is no text")
      return
    }
    try hold(write.count <= CommandGrammar.byteLimit, "a command has at most 4096 bytes")
    let line = write.last == UInt8(ascii: "\n") ? write.dropLast() : write[...]
    try agree(Array(text.utf8)[...], line, "the text of a write")
    try hold(line.allSatisfy { $0 >= 0x20 || $0 == 0x09 }, "a command is one line")
    let words = line.split { $0 == 0x20 || $0 == 0x09 }.map { String(decoding: $0, as: UTF8.self) }
    switch scope {
    case 0:
      try check(parsed { () throws(CommandError) in try CommandGrammar.root(text) }, words)
    case 1:
      try check(parsed { () throws(CommandError) in try CommandGrammar.target(text) }, words)
    case 2:
      try check(parsed { () throws(CommandError) in try CommandGrammar.session(text) }, words)
    default:
      try check(parsed { () throws(CommandError) in try CommandGrammar.logicalUnit(text) }, words)
    }
  }

  private static func parsed<Command>(
    _ parse: () throws(CommandError) -> Command
  ) throws(Disagreement) -> Command? {
    let error: CommandError
    do { return try parse() } catch let failure { error = failure }
    try holdSentence(error.sentence, of: "a command that is not understood")
    return nil
  }

  /// A command is its words: written out again, it is what was written.
  private static func check(
    _ command: RootCommand?, _ words: [String]
  ) throws(Disagreement) {
    guard let command else { return }
    let written: [String?] =
      switch command {
      case .discover(let source): ["discover", source]
      case .add(let name, let portal): ["add", name, portal]
      case .remove(let name): ["remove", name]
      case .login(let name): ["login", name]
      case .logout(let name, let force): ["logout", name, force ? "force" : nil]
      case .rescan: ["rescan"]
      case .shutdown: ["shutdown"]
      }
    try agreeWords(written, words)
  }

  private static func check(
    _ command: TargetCommand?, _ words: [String]
  ) throws(Disagreement) {
    guard let command else { return }
    let written: [String?] =
      switch command {
      case .login(let nowait): ["login", nowait ? "nowait" : nil]
      case .logout(let force): ["logout", force ? "force" : nil]
      case .rescan: ["rescan"]
      case .reset(let isCold): ["reset", isCold ? "cold" : words.count > 1 ? "warm" : nil]
      case .remove: ["remove"]
      }
    try agreeWords(written, words)
  }

  private static func check(
    _ command: SessionCommand?, _ words: [String]
  ) throws(Disagreement) {
    guard let command else { return }
    switch command {
    case .logout: try agreeWords(["logout"], words)
    case .drop: try agreeWords(["drop"], words)
    case .nop: try agreeWords(["nop"], words)
    case .setTimeout, .logoutConnection:
      try agreeWords(["what has a number is no session's command"], words)
    }
  }

  private static func check(
    _ command: LogicalUnitCommand?, _ words: [String]
  ) throws(Disagreement) {
    guard let command else { return }
    let written: [String?] =
      switch command {
      case .rescan: ["rescan"]
      case .reset: ["reset"]
      case .flush: ["flush"]
      case .offline(let force): ["offline", force ? "force" : nil]
      case .online: ["online"]
      case .setTimeout: ["what has a number is no command"]
      }
    try agreeWords(written, words)
  }

  private static func agreeWords(
    _ written: [String?], _ words: [String]
  ) throws(Disagreement) {
    try agree(
      written.compactMap { $0.map { Array($0.utf8) } }, words.map { Array($0.utf8) },
      "the words of a command")
  }
}
