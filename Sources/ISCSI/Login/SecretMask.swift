/// Takes secrets out of text that is shown as it was on the wire: every byte of their values
/// becomes an asterisk, nothing else changes, lengths neither.
///
/// Text may go over several PDUs, and be cut anywhere: one mask for each direction of a login.
/// Source: RFC 7143, 6.1 (text format), 12.1 (CHAP's keys).
package struct SecretMask: Sendable {
  private enum Position {
    /// Inside a key; these are its first bytes.
    case key([UInt8])
    case value(isSecret: Bool)
  }

  /// Longer keys are none (RFC 7143, 6.1), and no secret's.
  private static let keyLimit = 63

  private var position = Position.key([])

  package init() {}

  /// The data segment of the next PDU of this direction, without its secrets.
  ///
  /// - Parameter continues: the text goes on in the next PDU (the C bit).
  package mutating func masked(_ data: [UInt8], continues: Bool) -> [UInt8] {
    var result = data
    for (index, byte) in data.enumerated() {
      switch position {
      case _ where byte == 0: position = .key([])
      case .key(let key) where byte == UInt8(ascii: "="):
        position = .value(isSecret: LoginTranscript.isSecret(key))
      case .key(let key):
        if key.count <= Self.keyLimit { position = .key(key + [byte]) }
      case .value(let isSecret):
        if isSecret { result[index] = UInt8(ascii: "*") }
      }
    }
    if !continues { position = .key([]) }
    return result
  }
}
