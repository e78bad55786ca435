/// How two sides' booleans become one.
///
/// Source: RFC 7143, 6.2.2.
package enum BooleanFunction: Sendable {
  case and, or

  package func outcome(_ ours: Bool, _ theirs: Bool) -> Bool {
    switch self {
    case .and: ours && theirs
    case .or: ours || theirs
    }
  }
}

/// How two sides' numbers become one.
///
/// Source: RFC 7143, 6.2.2.
package enum NumericalFunction: Sendable {
  case minimum, maximum

  package func outcome(_ ours: UInt32, _ theirs: UInt32) -> UInt32 {
    switch self {
    case .minimum: min(ours, theirs)
    case .maximum: max(ours, theirs)
    }
  }
}
