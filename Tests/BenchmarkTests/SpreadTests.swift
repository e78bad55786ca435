import Testing

@testable import benchmark

@Suite("Spread")
struct SpreadTests {
  @Test("the median of an odd number is the middle one, of an even number between the two")
  func median() {
    #expect(Spread([9, 1, 5])?.median == 5)
    #expect(Spread([4, 1, 2, 100])?.median == 3)
    #expect(Spread([7]) == Spread([7, 7, 7]))
  }

  @Test("the ends are the lowest and the highest")
  func ends() {
    let spread = Spread([3, 8, 5])
    #expect(spread?.lowest == 3)
    #expect(spread?.highest == 8)
  }

  @Test("of nothing there is no median")
  func nothing() {
    #expect(Spread([]) == nil)
    #expect(Spread([.nan, .infinity]) == nil)
  }

  @Test("ratios are taken pair by pair, not of the medians")
  func pairs() {
    // The machine was three times as fast in the last two rounds; each pair says 2.
    let spread = Spread(of: [20, 60, 60], to: [10, 30, 30])
    #expect(spread == Spread([2, 2, 2]))
    // Medians would say 4.
    #expect(Spread(of: [10, 40, 90], to: [10, 20, 10])?.median == 2)
  }

  @Test("a pair that cannot be divided, or has no other, is left out")
  func odd() {
    #expect(Spread(of: [10, 10, 10], to: [0, 5]) == Spread([2]))
    #expect(Spread(of: [1], to: [0]) == nil)
  }
}
