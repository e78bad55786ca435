import SCSI
import Testing
import Wire

@testable import LogicalUnit

@Suite("Where data and holes begin (lseek(2), GET LBA STATUS)")
struct ExtentSearchTests {
  static func search(
    _ unit: ThinUnit, _ target: ExtentSearch.Target, from offset: Int
  ) throws -> ExtentSearch.Outcome {
    var search = ExtentSearch(
      for: target, from: UInt64(offset), geometry: try unit.geometry())
    for _ in 0..<200 {
      let first = Int(search.question.first.rawValue)
      let answer = unit.status(from: first, limit: 2)
      if let outcome = answer.withRawSpan({ search.learned($0) }) { return outcome }
    }
    Issue.record("a search ends")
    return .none
  }

  @Test("S07 agree with a model that looks at every byte, over random maps", arguments: 1...20)
  func model(seed: UInt64) throws {
    var random = SplitMix(state: seed)
    var unit = ThinUnit(.init())
    for block in unit.isMapped.indices { unit.isMapped[block] = random.next() % 3 > 0 }
    let end = unit.bytes.count
    for _ in 0..<50 {
      let offset = Int(random.next() % UInt64(end))
      let data = (offset..<end).first { unit.isMapped[$0 / 512] }
      let hole = (offset..<end).first { !unit.isMapped[$0 / 512] } ?? end
      #expect(
        try Self.search(unit, .data, from: offset)
          == data.map { .found(offset: UInt64($0)) } ?? .none)
      #expect(try Self.search(unit, .hole, from: offset) == .found(offset: UInt64(hole)))
    }
  }

  @Test("S07 H53 an answer of nothing, or of other blocks, leaves everything data")
  func lies() throws {
    let geometry = try ThinUnit(.init()).geometry()
    let elsewhere = ProvisioningAnswer.bytes(first: 40, count: 4, status: 1)
    for answer in [[], [0, 0, 0, 4, 0, 0, 0, 0], elsewhere] as [[UInt8]] {
      var data = ExtentSearch(for: .data, from: 700, geometry: geometry)
      #expect(answer.withRawSpan { data.learned($0) } == .found(offset: 700))
      var hole = ExtentSearch(for: .hole, from: 700, geometry: geometry)
      #expect(answer.withRawSpan { hole.learned($0) } == .found(offset: 64 * 512))
    }
  }

  @Test("S07 a target that tells one block at a time is not asked for ever")
  func bound() throws {
    let geometry = try Geometry(
      logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(1 << 40))
    var search = ExtentSearch(for: .data, from: 0, geometry: geometry)
    var count: UInt64 = 0
    var outcome: ExtentSearch.Outcome?
    while outcome == nil, count < 10_000 {
      let answer = ProvisioningAnswer.bytes(first: count, count: 1, status: 1)
      outcome = answer.withRawSpan { search.learned($0) }
      count += 1
    }
    #expect(outcome == .found(offset: count * 512))
    #expect(count == UInt64(ExtentSearch.questionLimit))
  }
}

/// GET LBA STATUS of one extent.
enum ProvisioningAnswer {
  static func bytes(first: UInt64, count: UInt32, status: UInt8) -> [UInt8] {
    var bytes: [UInt8] = [0, 0, 0, 20, 0, 0, 0, 0]
    bytes.appendBigEndian(first)
    bytes.appendBigEndian(count)
    return bytes + [status, 0, 0, 0]
  }
}
