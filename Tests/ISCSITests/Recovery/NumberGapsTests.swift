import ISCSI
import Testing

/// RFC 7143, 7.9.
@Suite("Missing numbers of a sequence")
struct NumberGapsTests {
  @Test("are found when a later one comes, and gone when they come, from any first number")
  func found() throws {
    for first in [0, UInt32.max - 2] as [UInt32] {
      var gaps = NumberGaps(firstNumber: first)
      #expect(try gaps.arrive(first) == nil)
      #expect(try gaps.arrive(first &+ 5) == NumberGaps.Run(first: first &+ 1, count: 4))
      #expect(!gaps.isEmpty && gaps.next == first &+ 6)
      #expect(!gaps.isNew(first) && gaps.isNew(first &+ 3) && gaps.isNew(first &+ 6))
      for number in [3, 1, 4, 2] as [UInt32] {
        #expect(!gaps.isEmpty && gaps.isMissing(first &+ number))
        #expect(try gaps.arrive(first &+ number) == nil)
        #expect(!gaps.isNew(first &+ number))
      }
      #expect(gaps.isEmpty && gaps.next == first &+ 6)
    }
  }

  @Test("are as a set says, whatever comes in whatever order", arguments: 0..<50 as Range<UInt64>)
  func model(seed: UInt64) throws {
    var random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
    func next(_ bound: UInt64) -> UInt32 {
      random ^= random << 13
      random ^= random >> 7
      random ^= random << 17
      return UInt32(random % bound)
    }
    var gaps = NumberGaps()
    var come: Set<UInt32> = []
    var end: UInt32 = 0
    for _ in 0..<40 {
      let number = next(12)
      #expect(gaps.isNew(number) == !come.contains(number))
      switch next(3) {
      case 0:
        let loss = try gaps.lose(number)
        #expect((loss == nil) == come.contains(number))
        #expect(loss == nil || loss?.isAgain == (number < end))
        if !come.contains(number) { end = max(end, number + 1) }
      case 1 where !come.contains(number):
        let run = try gaps.arrive(number)
        #expect(run == (number > end ? NumberGaps.Run(first: end, count: number - end) : nil))
        come.insert(number)
        end = max(end, number + 1)
      default:
        let run = try gaps.extend(to: number)
        #expect(run == (number > end ? NumberGaps.Run(first: end, count: number - end) : nil))
        end = max(end, number)
      }
      #expect(gaps.next == end)
      #expect(gaps.isEmpty == (come.count == Int(end)))
    }
  }

  @Test("E05: with too many holes all from the first one on counts as missing, in one run")
  func tooMany() throws {
    for first in [0, UInt32.max - 9] as [UInt32] {
      var gaps = NumberGaps(firstNumber: first)
      _ = try gaps.arrive(first)
      for number in stride(from: 2, through: 16, by: 2) as StrideThrough<UInt32> {
        _ = try gaps.arrive(first &+ number)
      }
      #expect(try gaps.arrive(first &+ 18) == .all)
      #expect(gaps.firstMissing == first &+ 1 && gaps.next == first &+ 19)
      for number in 1..<19 as Range<UInt32> {
        #expect(gaps.isMissing(first &+ number))
        #expect(try gaps.arrive(first &+ number) == nil)
      }
      #expect(gaps.isEmpty)
    }
  }

  @Test("E05: the same where one that comes, is lost or is counted makes one hole too many")
  func tooManyOtherwise() throws {
    var split = NumberGaps()
    #expect(try split.arrive(100) == NumberGaps.Run(first: 0, count: 100))
    for number in stride(from: 2, through: 14, by: 2) as StrideThrough<UInt32> {
      _ = try split.arrive(number)
    }
    #expect(try split.arrive(16) == .all)
    #expect(split.firstMissing == 0 && split.isMissing(16) && split.isMissing(100))
    var full = NumberGaps()
    for number in stride(from: 1, through: 15, by: 2) as StrideThrough<UInt32> {
      _ = try full.arrive(number)
    }
    var other = full
    let lost = try other.lose(16)
    #expect(lost?.run == .all && lost?.isAgain == false)
    #expect(other.firstMissing == 0 && other.next == 17)
    other = full
    #expect(try other.extend(to: 20) == .all)
    #expect(other.firstMissing == 0 && other.next == 20)
  }

  @Test("a run has a bound")
  func bounds() throws {
    var long = NumberGaps()
    #expect(throws: ProtocolViolation.tooManyMissing(limit: 4096)) { _ = try long.arrive(4097) }
  }
}
