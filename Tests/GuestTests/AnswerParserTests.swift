import Testing

@testable import Guest

@Suite("What a guest answers")
struct AnswerParserTests {
  private static let bytes = Array("noise\r\nready\ndone 0 6\na\nb\n\0done 3 0\n".utf8)
  private static let events: [AnswerParser.Event] = [
    .ready, .done(GuestResult(status: 0, output: "a\nb\n\0d")),
  ]

  @Test("is taken apart however it is cut", arguments: [1, 2, 3, 7, 64])
  func cuts(size: Int) {
    var parser = AnswerParser()
    var events: [AnswerParser.Event] = []
    for start in stride(from: 0, to: Self.bytes.count, by: size) {
      events += parser.received(Self.bytes[start..<min(start + size, Self.bytes.count)])
    }
    // Six bytes of output end inside "done": the count decides, not the text.
    #expect(events == Self.events)
  }

  @Test("may be empty")
  func empty() {
    var parser = AnswerParser()
    #expect(
      parser.received(Array("done 127 0\n".utf8))
        == [.done(GuestResult(status: 127, output: ""))])
  }

  @Test("that is none is passed over", arguments: ["done\n", "done x 3\n", "done 0 -1\n", "\n"])
  func noise(line: String) {
    var parser = AnswerParser()
    #expect(parser.received(Array(line.utf8)).isEmpty)
    #expect(parser.received(Array("ready\n".utf8)) == [.ready])
  }
}
