import SystemPackage

/// What a command prints; a reader that went away is not an error.
enum Output {
  static func write(_ text: String) { _ = try? FileDescriptor.standardOutput.writeAll(text.utf8) }

  static func line(_ text: String) { write(text + "\n") }

  /// One line for people on standard error.
  static func complain(_ sentence: String) {
    _ = try? FileDescriptor.standardError.writeAll("iscsifs: \(sentence)\n".utf8)
  }
}
