/// Numbers as people read them.
package enum Figure {
  /// "76,123": whole, in groups of three.
  package static func grouped(_ value: Double) -> String {
    guard value.isFinite, abs(value) < 1e15 else { return "-" }
    let digits = String(Int(abs(value).rounded()))
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index).isMultiple(of: 3) { result += "," }
      result.append(digit)
    }
    return value.rounded() < 0 ? "-" + result : result
  }

  /// "1.78": so many digits behind the point, whatever the value.
  package static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "-" }
    let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
    let scaled = Int((abs(value) * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % scale)
    let zeros = String(repeating: "0", count: digits - fraction.count)
    return "\(sign)\(scaled / scale).\(zeros)\(fraction)"
  }

  /// Three significant digits: "7.58", "19.3", "585", "1,747".
  package static func short(_ value: Double) -> String {
    switch abs(value) {
    case ..<9.995: fixed(value, 2)
    case ..<99.95: fixed(value, 1)
    default: grouped(value)
    }
  }
}
