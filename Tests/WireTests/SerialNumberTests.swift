import Testing

@testable import Wire

@Suite("Serial numbers (RFC 1982)")
struct SerialNumberTests {
  @Test("wrap past 2^32 and still compare")
  func wraps() {
    let last = SerialNumber(rawValue: 0xFFFF_FFFF)
    #expect(last.successor.rawValue == 0)
    #expect(last.precedes(last.successor))
    #expect(!last.successor.precedes(last))
    #expect(last.successor.distance(from: last) == 1)
    #expect(last.distance(from: last.advanced(by: 5)) == -5)
  }

  @Test("2^31 apart: neither precedes")
  func opposite() {
    let one = SerialNumber(rawValue: 7)
    let other = SerialNumber(rawValue: 7 &+ 0x8000_0000)
    #expect(!one.precedes(other))
    #expect(!other.precedes(one))
    #expect(!one.precedes(one))
  }
}
