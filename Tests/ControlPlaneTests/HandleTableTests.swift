import Testing

@testable import ControlPlane

struct HandleTableTests {
  @Test func noPairOfPlaceAndGenerationIsLentTwice() {
    var table = HandleTable(capacity: 1)
    #expect(generation(lent: &table) == 1)
    #expect(generation(lent: &table) == nil)
    table.release(index: 0, generation: 1)
    #expect(generation(lent: &table) == 2)
    #expect(table.owner(index: 0, generation: 1) == nil)
    #expect(table.isStale(index: 0, generation: 1) && !table.isStale(index: 0, generation: 2))
  }

  @Test func placeGivenBackUnusedCostsNoGeneration() {
    var table = HandleTable(capacity: 1)
    // A target that is away for a month is tried more often than a place has generations.
    for _ in 0...(Int(UInt16.max) + 1) {
      let lent = generation(lent: &table)
      guard lent == 1 else {
        #expect(lent == 1)
        return
      }
      table.giveBack(unused: 0, generation: 1)
    }
    #expect(generation(lent: &table) == 1)
    table.release(index: 0, generation: 1)
    #expect(table.isStale(index: 0, generation: 1))
    // What was released already is not given back once more.
    table.giveBack(unused: 0, generation: 1)
    #expect(generation(lent: &table) == 2)
    #expect(generation(lent: &table) == nil)
  }

  @Test func placeWhoseGenerationsAreUsedUpStaysEmpty() {
    var table = HandleTable(capacity: 1)
    for generation in 1...UInt16.max {
      let lent = self.generation(lent: &table)
      guard lent == generation else {
        #expect(lent == generation)
        return
      }
      table.release(index: 0, generation: generation)
    }
    #expect(!table.hasRoom)
    #expect(generation(lent: &table) == nil)
  }

  private func generation(lent table: inout HandleTable) -> UInt16? {
    table.lend(to: "owner")?.generation
  }
}
