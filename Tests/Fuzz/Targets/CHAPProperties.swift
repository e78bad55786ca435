import ISCSI
import Wire

/// CHAP's challenge: what the initiator answers, and with which hash.
///
/// Input: a byte with bit 7 clear makes the rest the target's text as it is; with it set, the rest
/// is identifier and challenge, written in one of the forms RFC 7143 allows.
enum CHAPProperties {
  static let secret = Array("a secret of the fuzzer".utf8)

  static func check(_ bytes: [UInt8]) throws(Disagreement) {
    var input = FuzzInput(bytes)
    let form = input.byte()
    if form & 0x80 == 0 {
      _ = try answer(to: Array(input.remainder().prefix(LoginMachine.maximumDataSegmentLength)))
      return
    }
    let identifier = input.byte()
    let challenge = Array(input.remainder().prefix(1_100))
    let keys = [
      "CHAP_A=\(form & 1 == 0 ? "5" : "0x05")",
      "CHAP_I=\(form & 2 == 0 ? String(identifier) : "0x" + String(identifier, radix: 16))",
      "CHAP_C=\(text(of: challenge, form))",
    ]
    let turned = form & 4 == 0 ? keys : keys.reversed()
    let response = try answer(to: Array((turned.joined(separator: "\0") + "\0").utf8))
    let expected =
      (8...1_024).contains(challenge.count)
      ? CHAPAlgorithm.md5.response(identifier: identifier, secret: secret, challenge: challenge)
      : nil
    try agree(response, expected, "response to a challenge of \(challenge.count) bytes")
  }

  private static func text(of challenge: [UInt8], _ form: UInt8) -> String {
    let hexadecimal = TextParameter.hexadecimal(of: challenge)
    switch form & 0x18 {
    case 0x00: return hexadecimal
    case 0x08: return "0X" + hexadecimal.dropFirst(2).uppercased()
    case 0x10: return "0b" + base64(of: challenge, isPadded: true)
    default: return "0B" + base64(of: challenge, isPadded: false)
    }
  }

  /// The response of an initiator that must be authenticated; nil when it broke off.
  ///
  /// A response holds what is said of it in whatever the target wrote.
  private static func answer(to text: [UInt8]) throws(Disagreement) -> [UInt8]? {
    var login = FuzzLogin {
      $0.authentication = .chapRequired(
        CHAPParameters(CHAPCredentials(name: "fuzzer", secret: secret)))
    }
    guard try login.answer(Array("AuthMethod=CHAP\0".utf8)),
      let offer = login.said("CHAP_A"), try login.answer(text)
    else { return nil }
    // Only a whole message is answered; before it nothing else is said.
    guard let written = login.said("CHAP_R") else {
      try hold(!login.asksToMoveOn, "no response, no way out of the security stage")
      return nil
    }
    let pairs = NaiveText.parameters(of: text) ?? []
    func only(_ key: String) throws(Disagreement) -> String {
      let values = pairs.filter { $0.key == key }.map(\.value)
      try hold(values.count == 1, "an answered challenge has \(key) once")
      return values[0]
    }
    let number = NaiveText.number(try only("CHAP_A")[...]) ?? 0
    let offered = offer.split(separator: ",").map { NaiveText.number($0) }
    try hold(offered.contains(number), "the algorithm answered with was offered: \(number)")
    let identifier = NaiveText.number(try only("CHAP_I")[...]) ?? 256
    try hold(identifier < 256, "an answered identifier has one byte")
    let challenge = NaiveText.binary(try only("CHAP_C")) ?? []
    try hold((8...1_024).contains(challenge.count), "an answered challenge has 8 to 1024 bytes")
    let algorithm = CHAPAlgorithm(rawValue: UInt8(truncatingIfNeeded: number))
    let response = algorithm?.response(
      identifier: UInt8(truncatingIfNeeded: identifier), secret: secret, challenge: challenge)
    try agree(NaiveText.binary(written), response, "CHAP_R")
    try agree(login.said("CHAP_N"), "fuzzer", "CHAP_N")
    return response
  }

  private static func base64(of bytes: [UInt8], isPadded: Bool) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    var text: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for digit in 0...group.count { text.append(alphabet[bits >> (18 - 6 * digit) & 0x3F]) }
      if isPadded { text += repeatElement(UInt8(ascii: "="), count: 3 - group.count) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
