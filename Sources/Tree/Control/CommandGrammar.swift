package import ControlPlane

/// What may be written to the control files.
///
/// Words are separated by spaces or tabs; verbs are lower case. Nothing is done here: names and
/// addresses are checked by whoever acts on them.
package enum CommandGrammar {
  /// The longest write that is taken, in bytes.
  package static let byteLimit = 4096

  package static let rootUsage = """
    discover SOURCE
    add IQN ADDRESS[:PORT][,TPGT]
    remove IQN
    login [IQN]
    logout [IQN] [force]
    rescan
    shutdown

    """

  package static let targetUsage = """
    login [nowait]
    logout [force]
    rescan
    reset [warm|cold]
    remove

    """

  package static let sessionUsage = """
    logout
    drop
    nop

    """

  package static let connectionUsage = """
    logout

    """

  package static let logicalUnitUsage = """
    rescan
    reset
    flush
    offline [force]
    online

    """

  /// The text of one write: UTF-8, one line, its newline taken off.
  ///
  /// - Parameter hasLines: it may be of several lines.
  package static func text(
    of bytes: [UInt8], byteCount: Int, hasLines: Bool = false
  ) throws(CommandError) -> String {
    guard byteCount <= byteLimit else {
      throw CommandError("a command has at most \(byteLimit) bytes, this one has \(byteCount)")
    }
    let body = bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes[...]
    guard let text = String(validating: body, as: UTF8.self) else {
      throw CommandError("a command is UTF-8 text")
    }
    guard
      !text.unicodeScalars.contains(where: {
        $0.value < 0x20 && $0 != "\t" && !(hasLines && $0 == "\n")
      })
    else {
      throw CommandError("a write is one command of one line")
    }
    return text
  }

  /// A command of the root's `control`.
  package static func root(_ text: String) throws(CommandError) -> RootCommand {
    let words = words(of: text)
    let arguments = words.dropFirst()
    switch words.first {
    case "discover":
      return .discover(source: try one(arguments, of: "discover SOURCE"))
    case "add":
      guard arguments.count == 2 else { throw usage("add IQN ADDRESS[:PORT][,TPGT]") }
      return .add(name: arguments[1], portal: arguments[2])
    case "remove": return .remove(name: try one(arguments, of: "remove IQN"))
    case "login":
      guard arguments.count <= 1 else { throw usage("login [IQN]") }
      return .login(name: arguments.first)
    case "logout":
      let force = arguments.last == "force"
      let names = force ? arguments.dropLast() : arguments
      guard names.count <= 1 else { throw usage("logout [IQN] [force]") }
      return .logout(name: names.first, force: force)
    case "rescan":
      try none(arguments, of: "rescan")
      return .rescan
    case "shutdown":
      try none(arguments, of: "shutdown")
      return .shutdown
    default: throw unknown(words.first, rootUsage)
    }
  }

  /// A command of a target's `control`.
  package static func target(_ text: String) throws(CommandError) -> TargetCommand {
    let words = words(of: text)
    let arguments = words.dropFirst()
    switch words.first {
    case "login": return .login(nowait: try option("nowait", in: arguments, of: "login [nowait]"))
    case "logout": return .logout(force: try option("force", in: arguments, of: "logout [force]"))
    case "rescan":
      try none(arguments, of: "rescan")
      return .rescan
    case "reset":
      let form = "reset [warm|cold]"
      guard arguments.count <= 1, ["warm", "cold"].contains(arguments.first ?? "warm") else {
        throw usage(form)
      }
      return .reset(isCold: arguments.first == "cold")
    case "remove":
      try none(arguments, of: "remove")
      return .remove
    default: throw unknown(words.first, targetUsage)
    }
  }

  /// A command of a session's `control`.
  package static func session(_ text: String) throws(CommandError) -> SessionCommand {
    let words = words(of: text)
    switch words.first {
    case "logout":
      try none(words.dropFirst(), of: "logout")
      return .logout
    case "drop":
      try none(words.dropFirst(), of: "drop")
      return .drop
    case "nop":
      try none(words.dropFirst(), of: "nop")
      return .nop
    default: throw unknown(words.first, sessionUsage)
    }
  }

  /// A command of a connection's `control`.
  package static func connection(_ text: String) throws(CommandError) {
    let words = words(of: text)
    guard words.first == "logout" else { throw unknown(words.first, connectionUsage) }
    try none(words.dropFirst(), of: "logout")
  }

  /// A command of a LUN's `control`.
  package static func logicalUnit(_ text: String) throws(CommandError) -> LogicalUnitCommand {
    let words = words(of: text)
    let arguments = words.dropFirst()
    let plain: [String: LogicalUnitCommand] = [
      "rescan": .rescan, "reset": .reset, "flush": .flush, "online": .online,
    ]
    if let verb = words.first, let command = plain[verb] {
      try none(arguments, of: verb)
      return command
    }
    switch words.first {
    case "offline":
      return .offline(force: try option("force", in: arguments, of: "offline [force]"))
    case "unmap":
      throw CommandError(
        "unmap is fallocate --punch-hole --offset OFFSET --length LENGTH on the LUN's file")
    default: throw unknown(words.first, logicalUnitUsage)
    }
  }

  /// What is written to a file of one of a session's waits: seconds, to `recovery_tmo` "off" (-1)
  /// too, for ever.
  package static func timeout(
    _ text: String, _ timeout: SessionTimeout
  ) throws(CommandError) -> SessionCommand {
    if timeout == .recovery, ["off", "-1"].contains(words(of: text).first) {
      try none(words(of: text).dropFirst(), of: timeout.fileName)
      return .setTimeout(timeout, seconds: nil)
    }
    let seconds = try seconds(
      text, of: timeout.fileName, in: timeout.bounds, or: timeout == .recovery ? ", or off" : "")
    return .setTimeout(timeout, seconds: seconds)
  }

  /// What is written to a LUN's `timeout`.
  package static func logicalUnitTimeout(
    _ text: String
  ) throws(CommandError) -> LogicalUnitCommand {
    .setTimeout(seconds: try seconds(text, of: "timeout", in: 1...86_400))
  }

  /// A number of seconds, alone.
  private static func seconds(
    _ text: String, of name: String, in bounds: ClosedRange<UInt64>, or other: String = ""
  ) throws(CommandError) -> UInt64 {
    let words = words(of: text)
    guard words.count == 1, let word = words.first else {
      throw CommandError("\(name) takes one number of seconds\(other)")
    }
    guard word.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let seconds = UInt64(word),
      bounds.contains(seconds)
    else {
      throw CommandError(
        "\(name) takes \(bounds.lowerBound) to \(bounds.upperBound) seconds\(other)")
    }
    return seconds
  }
}
