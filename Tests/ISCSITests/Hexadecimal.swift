/// Bytes written as hexadecimal digits; anything that is no digit only separates.
func bytes(_ text: String) -> [UInt8] {
  let digits = text.compactMap { $0.hexDigitValue.map(UInt8.init) }
  precondition(digits.count % 2 == 0, "pairs of digits")
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}
