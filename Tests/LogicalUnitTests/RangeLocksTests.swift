import SCSI
import Testing

@testable import LogicalUnit

@Suite("Range locks")
struct RangeLocksTests {
  static func range(_ first: UInt64, _ count: UInt64) -> BlockRange {
    BlockRange(first: LogicalBlockAddress(first), count: count)
  }

  @Test("let whole-block writes overlap")
  func aligned() {
    var locks = RangeLocks(capacity: 4)
    for owner: UInt16 in 0..<4 {
      let admission = locks.acquire(
        owner: owner, logicalUnit: 0, blocks: Self.range(0, 8), isReadModifyWrite: false)
      #expect(admission == .granted)
    }
  }

  @Test("park a read-modify-write behind a whole-block write it overlaps, and grant it after")
  func modifyWaits() {
    var locks = RangeLocks(capacity: 4)
    #expect(locks.acquire(0, 0..<4, modify: false) == .granted)
    #expect(locks.acquire(1, 3..<4, modify: true) == .parked)
    #expect(locks.acquire(2, 4..<5, modify: true) == .granted)
    #expect(locks.nextGranted() == nil)
    locks.release(owner: 0)
    #expect(locks.nextGranted() == 1)
    #expect(locks.nextGranted() == nil)
    #expect(locks.parkedCount == 0)
  }

  @Test("keep logical units apart")
  func otherUnit() {
    var locks = RangeLocks(capacity: 2)
    #expect(locks.acquire(0, 0..<1, modify: true) == .granted)
    #expect(locks.acquire(1, 0..<1, modify: true, logicalUnit: 1) == .granted)
  }

  @Test("queue a newcomer behind a waiting write it overlaps, so that none starves")
  func noOvertaking() {
    var locks = RangeLocks(capacity: 4)
    #expect(locks.acquire(0, 0..<1, modify: false) == .granted)
    #expect(locks.acquire(1, 0..<2, modify: true) == .parked)
    #expect(locks.acquire(2, 1..<2, modify: false) == .parked)
    locks.release(owner: 0)
    #expect(locks.nextGranted() == 1)
    #expect(locks.nextGranted() == nil)
    locks.release(owner: 1)
    #expect(locks.nextGranted() == 2)
  }

  @Test("let later whole-block writes wait for one that is kept, and those that wait already too")
  func kept() {
    var locks = RangeLocks(capacity: 5)
    #expect(locks.acquire(0, 0..<4, modify: false) == .granted)
    #expect(locks.acquire(1, 8..<9, modify: true) == .granted)
    #expect(locks.acquire(2, 3..<9, modify: false) == .parked)
    locks.keep(owner: 0)
    locks.keep(owner: 0)
    #expect(locks.acquire(3, 2..<3, modify: false) == .parked)
    #expect(locks.acquire(4, 5..<6, modify: false) == .granted)
    locks.release(owner: 1)
    #expect(locks.nextGranted() == nil)
    locks.release(owner: 0)
    #expect(locks.nextGranted() == 2)
    #expect(locks.nextGranted() == 3)
    locks.release(owner: 2)
    locks.release(owner: 3)
    locks.release(owner: 4)
    #expect(locks.parkedCount == 0)
    #expect(locks.acquire(0, 0..<9, modify: true) == .granted)
  }

  @Test("handed to another owner are the same lock, and its first owner may have another")
  func handed() {
    var locks = RangeLocks(capacity: 4)
    #expect(locks.acquire(0, 0..<4, modify: false) == .granted)
    locks.keep(owner: 0)
    #expect(locks.acquire(1, 3..<4, modify: false) == .parked)
    locks.hand(from: 0, to: 3)
    #expect(locks.acquire(0, 2..<3, modify: true) == .parked)
    #expect(locks.nextGranted() == nil)
    locks.release(owner: 3)
    #expect(locks.nextGranted() == 1)
    #expect(locks.nextGranted() == 0)
    locks.release(owner: 0)
    locks.release(owner: 1)
    #expect(locks.parkedCount == 0)
  }

  @Test("free those behind a waiting write that is given up")
  func cancelled() {
    var locks = RangeLocks(capacity: 4)
    #expect(locks.acquire(0, 0..<1, modify: true) == .granted)
    #expect(locks.acquire(1, 0..<2, modify: true) == .parked)
    #expect(locks.acquire(2, 1..<2, modify: true) == .parked)
    locks.release(owner: 1)
    #expect(locks.nextGranted() == 2)
    locks.release(owner: 0)
    #expect(locks.nextGranted() == nil)
  }

  @Test("given up between release and grant are not granted")
  func cancelledWhenReady() {
    var locks = RangeLocks(capacity: 2)
    #expect(locks.acquire(0, 0..<1, modify: true) == .granted)
    #expect(locks.acquire(1, 0..<1, modify: true) == .parked)
    locks.release(owner: 0)
    locks.release(owner: 1)
    #expect(locks.nextGranted() == nil)
  }

  @Test("agree with a model that compares everything, over random writes", arguments: 1...20)
  func model(seed: UInt64) {
    var random = SplitMix(state: seed)
    var locks = RangeLocks(capacity: 12)
    var model = Model()
    for _ in 0..<2000 {
      let owner = UInt16(random.next() % 12)
      if model.requests.contains(where: { $0.owner == owner }) {
        locks.release(owner: owner)
        model.requests.removeAll { $0.owner == owner }
      } else {
        let first = random.next() % 10
        let request = Model.Request(
          owner: owner, logicalUnit: UInt16(random.next() % 2),
          blocks: Self.range(first, 1 + random.next() % 4),
          isReadModifyWrite: random.next() % 3 == 0)
        let admission = locks.acquire(
          owner: owner, logicalUnit: request.logicalUnit, blocks: request.blocks,
          isReadModifyWrite: request.isReadModifyWrite)
        #expect(admission == model.acquire(request))
      }
      while true {
        let expected = model.nextGranted()
        #expect(locks.nextGranted() == expected)
        guard expected != nil else { break }
      }
      #expect(model.isExclusive)
      #expect(locks.parkedCount == model.requests.count { !$0.isActive })
    }
  }
}

extension RangeLocks {
  /// Short form for the scenes above.
  fileprivate mutating func acquire(
    _ owner: UInt16, _ blocks: Range<UInt64>, modify: Bool, logicalUnit: UInt16 = 0
  ) -> Admission {
    acquire(
      owner: owner, logicalUnit: logicalUnit,
      blocks: BlockRange(
        first: LogicalBlockAddress(blocks.lowerBound), count: UInt64(blocks.count)),
      isReadModifyWrite: modify)
  }
}

/// The rule in its plainest form: requests in the order they came, every block looked at.
private struct Model {
  struct Request {
    let owner: UInt16
    let logicalUnit: UInt16
    let blocks: BlockRange
    let isReadModifyWrite: Bool
    var isActive = false

    func conflicts(with other: Request) -> Bool {
      guard logicalUnit == other.logicalUnit, isReadModifyWrite || other.isReadModifyWrite else {
        return false
      }
      let mine = Set(blocks.first.rawValue..<blocks.end.rawValue)
      return !mine.isDisjoint(with: other.blocks.first.rawValue..<other.blocks.end.rawValue)
    }
  }

  var requests: [Request] = []

  mutating func acquire(_ request: Request) -> RangeLocks.Admission {
    var request = request
    request.isActive = !requests.contains { $0.conflicts(with: request) }
    requests.append(request)
    return request.isActive ? .granted : .parked
  }

  mutating func nextGranted() -> UInt16? {
    for index in requests.indices where !requests[index].isActive {
      if !requests[..<index].contains(where: { $0.conflicts(with: requests[index]) }) {
        requests[index].isActive = true
        return requests[index].owner
      }
    }
    return nil
  }

  /// True when no two running requests conflict: what the locks are for.
  var isExclusive: Bool {
    let active = requests.filter(\.isActive)
    return active.indices.allSatisfy { index in
      !active[..<index].contains { $0.conflicts(with: active[index]) }
    }
  }
}

/// Steele and others' splitmix64: the same numbers from the same seed everywhere.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
