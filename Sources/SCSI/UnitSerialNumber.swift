import Wire

/// Page 80h: the serial number of the logical unit.
///
/// Source: SPC-5, 7.7.20 (unit serial number).
package struct UnitSerialNumber: ParameterData, Hashable, Sendable {
  /// The serial number, trimmed and escaped; empty where the device has none to tell.
  package var text: String

  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let end = try VitalProductDataPage.unitSerialNumber.end(in: bytes)
    text = String(escapingField: bytes, in: VitalProductDataPage.headerLength..<end)
  }
}
