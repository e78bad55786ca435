/// A CHAP secret: usable, comparable, never printable.
///
/// Every description, debug description and mirror of it is `********`, so that no log line, error
/// or dump that carries a configuration can show it.
package struct Secret: Sendable {
  /// What stands where a secret would.
  package static let mask = "********"

  /// Secrets below 96 bits must not be used outside a protected channel.
  ///
  /// Source: RFC 7143, 9.2.1.
  package static let strongByteCount = 12

  /// The bytes to hash; copy them nowhere else.
  package let bytes: [UInt8]

  package init(_ text: String) { bytes = Array(text.utf8) }

  package var isWeak: Bool { bytes.count < Secret.strongByteCount }
}

extension Secret: Equatable {
  /// Compares without leaving early: the time tells nothing about where two secrets differ.
  package static func == (left: Secret, right: Secret) -> Bool {
    guard left.bytes.count == right.bytes.count else { return false }
    var difference: UInt8 = 0
    for index in left.bytes.indices { difference |= left.bytes[index] ^ right.bytes[index] }
    return difference == 0
  }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  package var description: String { Secret.mask }
  package var debugDescription: String { Secret.mask }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
