import ISCSI

/// What every command is taken apart with.
extension CommandGrammar {
  static func words(of text: String) -> [String] {
    // By bytes: a space with a combining mark behind it is one character, but still a space.
    text.utf8.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
      .map { String(Substring($0)) }
  }

  static func one(
    _ arguments: ArraySlice<String>, of form: String
  ) throws(CommandError) -> String {
    guard arguments.count == 1, let argument = arguments.first else { throw usage(form) }
    return argument
  }

  static func none(
    _ arguments: ArraySlice<String>, of verb: String
  ) throws(CommandError) {
    guard arguments.isEmpty else { throw CommandError("\(verb) takes no argument") }
  }

  static func option(
    _ word: String, in arguments: ArraySlice<String>, of form: String
  ) throws(CommandError) -> Bool {
    if arguments.isEmpty { return false }
    guard arguments.count == 1, arguments.first == word else { throw usage(form) }
    return true
  }

  static func usage(_ form: String) -> CommandError { CommandError("usage: \(form)") }

  static func unknown(_ verb: String?, _ usage: String) -> CommandError {
    let verbs = usage.split(separator: "\n").compactMap { $0.split(separator: " ").first }
    let known = verbs.joined(separator: ", ")
    guard let verb else { return CommandError("an empty command; known verbs: \(known)") }
    let shown = String(verb.prefix(32)).excerpt
    return CommandError("unknown verb \"\(shown)\"; known verbs: \(known)")
  }
}
