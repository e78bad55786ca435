/// What a script in a guest came to.
package struct GuestResult: Equatable, Sendable {
  /// The shell's exit status.
  package let status: Int32
  /// Standard output and standard error, as they came.
  package let output: String

  package init(status: Int32, output: String) {
    self.status = status
    self.output = output
  }

  /// The output without the white space at its end.
  package var value: String {
    var text = Substring(output)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
