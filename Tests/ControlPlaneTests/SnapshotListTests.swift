import Testing

@testable import ControlPlane

struct SnapshotListTests {
  private struct Part: SnapshotPart {
    var key: Int
    var value = 0
  }

  private static func list(_ keys: some Sequence<Int>) -> SnapshotList<Part> {
    SnapshotList(keys.map { Part(key: $0) })
  }

  @Test("It holds what a dictionary holds, in the order of the keys")
  func oracle() {
    var list = SnapshotList<Part>()
    var oracle: [Int: Int] = [:]
    var random: UInt64 = 1
    for step in 0..<20_000 {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let key = Int(random >> 33) % 700
      if random >> 20 & 3 == 0 {
        list[key] = nil
        oracle[key] = nil
      } else {
        list[key] = Part(key: key, value: step)
        oracle[key] = step
      }
      #expect(list.count == oracle.count && list[key]?.value == oracle[key])
    }
    let expected = oracle.sorted { $0.key < $1.key }.map { Part(key: $0.key, value: $0.value) }
    #expect(Array(list) == expected)
    #expect(list.reversed() == expected.reversed())
    // However it came about.
    #expect(list == SnapshotList(expected.shuffled()))
    #expect(list.chunks.allSatisfy { $0.parts.count <= SnapshotList<Part>.chunkCapacity })
  }

  @Test("Of several parts with one key the first counts")
  func namesakes() {
    let list = SnapshotList([Part(key: 1, value: 1), Part(key: 0), Part(key: 1, value: 2)])
    #expect(Array(list) == [Part(key: 0), Part(key: 1, value: 1)])
  }

  @Test("A change of one part among 10,000 is a change of one chunk", arguments: [0, 5000, 9999])
  func sharing(key: Int) {
    let before = Self.list(0..<10_000)
    var after = before
    after.put(Part(key: key, value: 1))
    #expect(after.ownChunkCount(beside: before) == 1 && before.chunks.count > 100)
    after[key] = nil
    #expect(after.ownChunkCount(beside: before) == 1)
    after.put(Part(key: key, value: 0))
    #expect(after.ownChunkCount(beside: before) <= 2)
    #expect(after == before)
  }

  @Test("What came, went and changed is told in order, and nothing else")
  func changes() {
    let before = Self.list(0..<1000)
    var after = before
    after[17] = nil
    after.put(Part(key: 500, value: 9))
    after.put(Part(key: 1000))
    after.put(Part(key: 501))
    var told: [[Part?]] = []
    after.forEachChange(since: before) { old, new in
      told.append([old, new])
      return true
    }
    #expect(
      told == [
        [Part(key: 17), nil], [Part(key: 500), Part(key: 500, value: 9)], [nil, Part(key: 1000)],
      ])
    var count = 0
    let isWhole = after.forEachChange(since: []) { _, _ in
      count += 1
      return count < 3
    }
    #expect(!isWhole && count == 3)
  }
}
