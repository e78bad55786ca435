/// Key=value text from the peer, or from a configuration, that is not what RFC 7143 allows.
///
/// Every case names the key it is about where there is one; texts are shortened and escaped by
/// `sentence`, so that they may go to a terminal or a log as they are.
/// Source: RFC 7143, 6.1.
package enum TextError: Error, Equatable, Sendable {
  /// More text than is kept, in bytes.
  case textTooLong(limit: Int)
  case tooManyKeys(limit: Int)
  /// A key that is empty, longer than 63 bytes, or not of the characters keys are made of.
  case malformedKey(String)
  /// A record without `=`.
  case missingValue(String)
  case valueTooLong(key: String, limit: Int)
  case notBoolean(key: String, value: String)
  case notNumber(key: String, value: String)
  case outOfRange(key: String, value: UInt64, allowed: ClosedRange<UInt64>)
  /// A value that is not `0x` and pairs of hexadecimal digits nor `0b` and base64.
  case malformedBinary(key: String)
  /// A binary value of more bytes than the key may have.
  case binaryTooLong(key: String, limit: Int)

  /// The sentence for `last_error`.
  package var sentence: String {
    switch self {
    case .textTooLong(let limit): "key=value text is longer than \(limit) bytes"
    case .tooManyKeys(let limit): "key=value text has more than \(limit) keys"
    case .malformedKey(let key): "\"\(key.excerpt)\" is not a key"
    case .missingValue(let record): "\"\(record.excerpt)\" is not key=value"
    case .valueTooLong(let key, let limit):
      "the value of \(key.excerpt) is longer than \(limit) bytes"
    case .notBoolean(let key, let value):
      "\(key.excerpt)=\(value.excerpt) is neither Yes nor No"
    case .notNumber(let key, let value): "\(key.excerpt)=\(value.excerpt) is not a number"
    case .outOfRange(let key, let value, let allowed):
      "\(key.excerpt)=\(value) is not between \(allowed.lowerBound) and \(allowed.upperBound)"
    case .malformedBinary(let key):
      "the value of \(key.excerpt) is neither hexadecimal (0x) nor base64 (0b)"
    case .binaryTooLong(let key, let limit):
      "the value of \(key.excerpt) stands for more than \(limit) bytes"
    }
  }
}
