/// A name and the secret that proves it.
package struct CHAPCredentials: Equatable, Sendable {
  package var name: String
  /// The secret's bytes; how long it must be is the configuration's concern.
  package var secret: [UInt8]

  package init(name: String, secret: [UInt8]) {
    self.name = name
    self.secret = secret
  }
}

extension CHAPCredentials: CustomStringConvertible, CustomReflectable {
  /// The name; never the secret.
  package var description: String { name.escapedForTerminal }
  package var customMirror: Mirror { Mirror(self, children: ["name": name]) }
}
