/// Why a piece of a SendTargets answer was left out; counted, because there can be thousands.
package enum DiscoveryProblem: Hashable, CaseIterable, Sendable {
  /// A record that is not key=value, or longer than one may be.
  case malformedRecord
  /// A key that is neither TargetName nor TargetAddress.
  case unknownKey
  case badName
  case badAddress
  /// A TargetAddress before the first TargetName, or behind one that was left out.
  case addressWithoutName
  case tooManyAddresses
  case tooManyTargets
  /// More text than is read.
  case tooMuchText
  /// The list went on after the time for it, or without text for ever.
  case endless

  /// The words for a log: "3 records left out: bad target name".
  package var words: String {
    switch self {
    case .malformedRecord: "not key=value"
    case .unknownKey: "unknown key"
    case .badName: "bad target name"
    case .badAddress: "bad target address"
    case .addressWithoutName: "address without a target name"
    case .tooManyAddresses: "too many addresses of one target"
    case .tooManyTargets: "too many targets"
    case .tooMuchText: "too much text"
    case .endless: "the list did not end"
    }
  }
}
