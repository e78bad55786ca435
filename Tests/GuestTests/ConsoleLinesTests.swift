import Guest
import Testing

@Suite("A guest's console")
struct ConsoleLinesTests {
  @Test("is read by whole lines, without cursor movements")
  func lines() {
    var console = ConsoleLines()
    #expect(console.received(Array("\u{1B}[2J\u{1B}[1;1Hgue".utf8)).isEmpty)
    #expect(console.received(Array("st: up\r\n\r\nnext\nrest".utf8)) == ["guest: up", "next"])
  }
}
