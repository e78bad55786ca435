import ISCSI
import Records
import SCSI

/// Names and addresses: of nodes, portals, sources and LUNs.
///
/// Input: two texts with FFh between them.
enum NameProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    let texts = FuzzInput.pieces(of: bytes, atMost: 2).map { String(decoding: $0, as: UTF8.self) }
    let names = texts.map { try? ISCSIName($0) }
    for (text, name) in zip(texts, names) {
      try check(name, of: text)
      try checkPortal(text)
      try checkSource(text)
      try checkInitiatorName(text)
      try checkLogicalUnitNumber(text)
    }
    if texts.count == 2 { try checkPair(texts, names) }
  }

  /// A portal that was taken comes back from its text, and its text is harmless.
  static func check(_ portal: Portal) throws(Disagreement) {
    try hold(portal.description.isPrintable, "a portal is printable")
    try hold(portal.port > 0, "a portal has a port")
    // A name has 255 bytes; so has the zone a person may write behind an address of 45.
    try hold((1...301).contains(portal.host.utf8.count), "a host has 1 to 301 bytes")
    try hold(!portal.host.hasPrefix("-"), "a host is no option")
    try agree(
      try? Portal(parsing: portal.description, allowsScope: true), portal,
      "a portal read from its own text \(portal.description)")
  }

  private static func check(_ name: ISCSIName?, of text: String) throws(Disagreement) {
    let directory = ISCSIName.directoryName(of: text)
    try hold((1...255).contains(directory.utf8.count), "a directory's name has 1 to 255 bytes")
    try hold(directory.isPrintable, "a directory's name is printable: \(directory)")
    try hold(!directory.contains("/") && directory != "." && directory != "..", "one component")
    guard let name else {
      try hold(directory.hasPrefix("%"), "what is no name is no plain directory")
      return
    }
    try hold((1...223).contains(name.value.utf8.count), "a name has 1 to 223 bytes")
    try hold(name.description.isPrintable, "a shown name is printable")
    try agree(name.directoryName, directory, "directory of \(name)")
    try agree(name.isPlain, !directory.contains("%"), "plain names stand for themselves")
    let again = try? ISCSIName(name.value)
    try agree(again?.value.utf8.map { $0 }, name.value.utf8.map { $0 }, "a name taken again")
    try agree(again?.isPlain, name.isPlain, "a name taken again")
    if name.isPlain {
      try agree(name.value, text.lowercased(), "a plain name, in lower case")
      try hold(hasForm(name.value), "a plain name has a form: \(name.value)")
    } else {
      try agree(name.value.utf8.map { $0 }, text.utf8.map { $0 }, "another name, byte for byte")
    }
  }

  /// One of the three forms of RFC 7143, 4.2.7.3 to 4.2.7.6.
  private static func hasForm(_ name: String) -> Bool {
    let digits = Set("0123456789")
    let rest = name.dropFirst(4)
    switch name.prefix(4) {
    case "eui.": return rest.count == 16 && rest.allSatisfy { $0.isHexDigit }
    case "naa.": return [16, 32].contains(rest.count) && rest.allSatisfy { $0.isHexDigit }
    case "iqn.":
      let parts = rest.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let authority = parts[1].first, authority != ":" else { return false }
      let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
      return date.map(\.count) == [4, 2] && date.allSatisfy { $0.allSatisfy(digits.contains) }
        && (1...12).contains(Int(date[1]) ?? 0)
    default: return false
    }
  }

  /// Different names are different targets in different directories.
  private static func checkPair(
    _ texts: [String], _ names: [ISCSIName?]
  ) throws(Disagreement) {
    let areSameBytes = texts[0].utf8.elementsEqual(texts[1].utf8)
    if let first = names[0], let second = names[1] {
      let areSame = first.value.utf8.elementsEqual(second.value.utf8)
      try agree(first == second, areSame, "names of other bytes are other names")
      try agree(
        first.directoryName == second.directoryName, areSame, "other names, other directories")
    } else if names[0] == nil, names[1] == nil {
      try agree(
        ISCSIName.directoryName(of: texts[0]) == ISCSIName.directoryName(of: texts[1]),
        areSameBytes, "other texts, other directories")
    }
  }

  private static func checkPortal(_ text: String) throws(Disagreement) {
    for allowsScope in [false, true] {
      let portal: Portal
      do { portal = try Portal(parsing: text, allowsScope: allowsScope) } catch {
        try holdSentence(error.sentence, of: "a portal error")
        continue
      }
      try check(portal)
      try hold(
        allowsScope || !portal.host.utf8.contains(UInt8(ascii: "%")),
        "a target's portal names no interface of ours")
    }
  }

  private static func checkSource(_ text: String) throws(Disagreement) {
    guard let source = try? MountSource(parsing: text) else { return }
    try agree(
      try? MountSource(parsing: source.description), source, "a source read from its own text")
    guard case .portal(let portal) = source else { return }
    try hold(portal.port > 0, "a source has a port")
    try hold(portal.description.isPrintable, "a source's portal is printable: \(portal)")
  }

  private static func checkInitiatorName(_ text: String) throws(Disagreement) {
    guard let name = InitiatorName(text) else { return }
    try hold(name.rawValue.isPrintable, "an initiator's name is printable")
    try hold(name.rawValue.utf8.count <= 223, "an initiator's name has at most 223 bytes")
    try agree(InitiatorName(name.rawValue), name, "an initiator's name taken again")
  }

  private static func checkLogicalUnitNumber(_ text: String) throws(Disagreement) {
    guard let number = LogicalUnitNumber(name: text) else { return }
    try agree(Array(number.name.utf8), Array(text.utf8), "the name of a LUN")
    if let decimal = number.number {
      try hold((0..<16_384).contains(decimal), "flat space has 14 bits")
    }
  }
}
