/// Why a command could not be understood: EINVAL for the writer, a sentence for `last_error`.
package struct CommandError: Error, Equatable, Sendable {
  /// Ends without a full stop and says what would be right.
  package var sentence: String

  package init(_ sentence: String) {
    self.sentence = sentence
  }
}
