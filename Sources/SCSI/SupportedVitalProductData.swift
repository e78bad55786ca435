import Wire

/// Page 00h: which vital product data pages the logical unit has.
///
/// The standard lists them in ascending order; targets do not always, and order means nothing here.
/// Source: SPC-5, 7.7.19 (supported VPD pages).
package struct SupportedVitalProductData: ParameterData, Hashable, Sendable {
  /// The pages listed, each once.
  package var pages: Set<VitalProductDataPage>

  package init(parsing bytes: borrowing RawSpan) throws(ParameterDataError) {
    let end = try VitalProductDataPage.supportedPages.end(in: bytes)
    pages = []
    for offset in VitalProductDataPage.headerLength..<end {
      pages.insert(VitalProductDataPage(rawValue: bytes.byte(at: offset)))
    }
  }

  /// True when the logical unit lists `page`; a page it does not list is never asked for.
  package func contains(_ page: VitalProductDataPage) -> Bool {
    pages.contains(page)
  }
}
