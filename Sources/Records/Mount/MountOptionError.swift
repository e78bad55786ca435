/// A mount option that cannot be used.
package enum MountOptionError: Error, Equatable, Sendable {
  case unknown(String, nearest: String?)
  case needsValue(String)
  case takesNoValue(String)
  case badValue(String, String, expected: String)
  case openQuote(String)
}

extension MountOptionError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .unknown(let name, let nearest?):
      "-o \(name): not an option iscsifs knows; did you mean \(nearest)?"
    case .unknown(let name, nil) where ["None", "CRC32C", "Yes", "No"].contains(name):
      "-o \(name): not an option; a value with a comma goes in double quotes, KEY=\"A,B\""
    case .unknown(let name, nil):
      "-o \(name): not an option iscsifs knows; iscsifs help mount lists them"
    case .needsValue(let name):
      "-o \(name): needs a value, \(name)=..."
    case .takesNoValue(let name):
      "-o \(name): takes no value"
    case .badValue(let name, let value, let expected):
      "-o \(name)=\(value): it takes \(expected)"
    case .openQuote(let list):
      "-o \(list): a double quote is opened and not closed"
    }
  }
}
