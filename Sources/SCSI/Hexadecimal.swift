extension UInt8 {
  /// The byte as two upper-case hexadecimal digits, as the standards print codes.
  package var hexadecimal: String {
    let digits = String(self, radix: 16, uppercase: true)
    return digits.count == 1 ? "0" + digits : digits
  }
}
