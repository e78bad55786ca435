/// The keys of a login that only tell us something, and those that tell us nothing.
///
/// Source: RFC 7143, 13.4 to 13.9, 13.25 and 6.2 (NotUnderstood).
struct DeclaredKeys: Sendable {
  /// The longest alias kept, in bytes (13.7).
  private static let maximumAliasByteCount = 255

  private(set) var targetPortalGroupTag: UInt16?
  private(set) var targetAlias: String?
  private var seen: Set<String> = []

  /// Takes a key that is neither security's nor operational; returns the answer it is due.
  mutating func received(
    _ parameter: TextParameter, expecting login: LoginParameters
  ) throws(LoginError) -> TextParameter? {
    // TargetAddress alone may be said again (6.3).
    guard parameter.key == "TargetAddress" || seen.insert(parameter.key).inserted else {
      throw .repeatedKey(parameter.key)
    }
    switch parameter.key {
    case "TargetPortalGroupTag":
      try takePortalGroup(parameter, expected: login.expectedTargetPortalGroupTag)
      return nil
    case "TargetAlias":
      let bytes = parameter.value.utf8.prefix(Self.maximumAliasByteCount)
      targetAlias = String(decoding: bytes, as: UTF8.self)
      return nil
    case "TargetName", "TargetAddress", "InitiatorName", "InitiatorAlias", "SessionType":
      // Declarations that change nothing here.
      return nil
    case "IFMarker", "OFMarker":
      // Markers are gone from the protocol; No and Reject are the only answers (13.25).
      return answer(parameter, "No")
    case "IFMarkInt", "OFMarkInt", "SendTargets":
      return answer(parameter, TextParameter.Refusal.reject.rawValue)
    default:
      return answer(parameter, TextParameter.Refusal.notUnderstood.rawValue)
    }
  }

  private mutating func takePortalGroup(
    _ parameter: TextParameter, expected: UInt16?
  ) throws(LoginError) {
    let tag: UInt16
    do { tag = UInt16(try parameter.number(in: 0...65_535)) } catch { throw .text(error) }
    if let expected, expected != tag { throw .targetPortalGroupTag(tag, expected: expected) }
    targetPortalGroupTag = tag
  }

  /// An answer, unless the value itself was one: answering those would never end.
  private func answer(_ parameter: TextParameter, _ value: String) -> TextParameter? {
    parameter.refusal == nil ? TextParameter(parameter.key, value) : nil
  }
}
