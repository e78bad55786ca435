/// A configuration that cannot be used: where, and why.
package struct ConfigurationError: Error, Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    /// Neither a comment nor `key = value`.
    case malformedLine(String)
    case unknownKey(String, nearest: String?)
    case badValue(key: String, value: String, expected: String)
    /// A secret from a place others can read.
    case secretRefused(String, String)
    /// Settings that exclude each other.
    case contradiction(String)
    /// The file as a whole.
    case unreadable(String)
  }

  package let origin: SettingOrigin
  package let reason: Reason

  package init(_ origin: SettingOrigin, _ reason: Reason) {
    self.origin = origin
    self.reason = reason
  }
}

extension ConfigurationError: CustomStringConvertible {
  /// One line for people: "/etc/iscsifs.conf:12: ...".
  package var description: String {
    // An option's name is the key its sentence begins with.
    if case .option(let name) = origin, sentence.hasPrefix(name + " ") { return "-o \(sentence)" }
    return "\(origin): \(sentence)"
  }

  private var sentence: String {
    switch reason {
    case .malformedLine(let line):
      "\"\(line)\" is neither a comment (#) nor a line of the form key = value"
    case .unknownKey(let key, let nearest?):
      "\"\(key)\" is not a key iscsifs knows; did you mean \(nearest)?"
    case .unknownKey(let key, nil):
      "\"\(key)\" is not a key iscsifs knows"
    case .badValue(let key, let value, let expected):
      "\(key) cannot be \"\(value)\"; it takes \(expected)"
    case .secretRefused(let key, let objection):
      "\(key) is a secret and is not taken from here: \(objection)"
    case .contradiction(let sentence), .unreadable(let sentence):
      sentence
    }
  }
}
