import Wire

/// Data a device server returns for a command, read from bytes that may lie about their length.
///
/// A parser reads a field only where it lies wholly inside both the data received and the length
/// the data claims; a field outside has the value the standard gives for "not reported".
package protocol ParameterData {
  /// The data in `bytes`, which are exactly the bytes received.
  init(parsing bytes: borrowing RawSpan) throws(ParameterDataError)
}

extension ParameterData {
  /// The data in `bytes`, which are exactly the bytes received.
  package init(parsing bytes: [UInt8]) throws(ParameterDataError) {
    self = try bytes.withRawSpan { (span) throws(ParameterDataError) in
      try Self(parsing: span)
    }
  }
}

/// Why parameter data could not be read at all.
package enum ParameterDataError: Error, Hashable, Sendable {
  /// The data end before the fields that every later one depends on.
  case tooShort(byteCount: Int, minimum: Int)

  /// The target answered with another vital product data page than it was asked for.
  case otherPage(requested: VitalProductDataPage, found: VitalProductDataPage)
}

extension ParameterDataError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .tooShort(let byteCount, let minimum):
      "The target sent \(byteCount) bytes of parameter data where at least \(minimum) are needed"
    case .otherPage(let requested, let found):
      "The target answered VPD page \(found.rawValue.hexadecimal)h"
        + " where \(requested.rawValue.hexadecimal)h was requested"
    }
  }
}
