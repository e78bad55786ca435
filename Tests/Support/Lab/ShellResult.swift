/// What a script came to.
package struct ShellResult: Sendable, CustomStringConvertible {
  /// 128 + signal where a signal ended it, -1 where it did not end in time.
  package let status: Int32
  /// Standard output and standard error, as they came.
  package let output: String
  package let script: String

  package init(status: Int32, output: String, script: String) {
    self.status = status
    self.output = output
    self.script = script
  }

  package var lines: [String] { output.split(separator: "\n").map(String.init) }
  /// The output without the newline at its end.
  package var value: String { output.hasSuffix("\n") ? String(output.dropLast()) : output }
  package var description: String { "[\(status)] \(script)\n\(output)" }
}
