import ISCSI

/// What a capture shows of a login's text: `SecretMask` beside a reader of the whole text.
///
/// Input: how many times the text is cut, where and how (C or not), the text.
enum MaskProperties {
  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    var cuts: [(length: Int, continues: Bool)] = []
    for _ in 0..<(input.byte() & 0x0F) {
      let choice = input.byte()
      cuts.append((length: Int(choice & 0x7F), continues: choice & 0x80 == 0))
    }
    var rest = input.remainder()[...]
    cuts.append((length: rest.count, continues: false))
    var mask = SecretMask()
    var (shown, expected, text): ([UInt8], [UInt8], [UInt8]) = ([], [], [])
    for cut in cuts {
      let piece = Array(rest.prefix(cut.length))
      rest = rest.dropFirst(cut.length)
      let masked = mask.masked(piece, continues: cut.continues)
      try agree(masked.count, piece.count, "bytes of a PDU")
      shown += masked
      text += piece
      guard !cut.continues else { continue }
      expected += hidden(text)
      text = []
    }
    try agree(shown, expected, "what is shown")
  }

  /// Every byte of a secret's value is an asterisk, nothing else changes.
  private static func hidden(_ text: [UInt8]) -> [UInt8] {
    let records = text.split(separator: 0, omittingEmptySubsequences: false).map { record in
      guard let equals = record.firstIndex(of: UInt8(ascii: "=")),
        isSecret(Array(record[..<equals]))
      else { return Array(record) }
      let stars = repeatElement(UInt8(ascii: "*"), count: record.endIndex - equals - 1)
      return Array(record[...equals]) + stars
    }
    return Array(records.joined(separator: [0]))
  }

  /// What proves who somebody is (RFC 7143, 12.1; RFC 3720, 11.1 had the others).
  private static func isSecret(_ key: [UInt8]) -> Bool {
    let secrets = ["CHAP_C", "CHAP_R", "SRP_A", "SRP_B", "SRP_M", "SRP_HM", "SRP_s"]
    return secrets.contains { Array($0.utf8) == key } || key.starts(with: "KRB_".utf8)
      || key.starts(with: "SPKM_".utf8)
  }
}
