import Testing

@testable import FUSE

@Suite("Interrupts before their requests")
struct EarlyInterruptsTests {
  @Test("are found once; the oldest of many is forgotten")
  func found() {
    var early = EarlyInterrupts()
    #expect(early.isEmpty)
    for unique in 1...9 { early.note(UInt64(unique)) }
    #expect(!early.isEmpty)
    // Twice nine: what was found is not found again.
    let found = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9].map { early.take($0) }
    #expect(found == [false] + Array(repeating: true, count: 8) + Array(repeating: false, count: 9))
  }
}
