extension String {
  /// Nothing that moves a cursor or ends a line: printable ASCII alone.
  var isPrintable: Bool { utf8.allSatisfy { (0x20...0x7E).contains($0) } }
}

/// Holds a sentence to what may go into a log, a file and a terminal.
func holdSentence(_ sentence: String, of what: String) throws(Disagreement) {
  try hold(!sentence.isEmpty, "\(what) has a sentence")
  try hold(sentence.isPrintable, "\(what) is printable: \(sentence.debugDescription)")
  try hold(sentence.utf8.count <= 1_200, "\(what) is short: \(sentence.utf8.count)")
}
