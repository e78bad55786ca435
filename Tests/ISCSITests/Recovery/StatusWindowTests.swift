import ISCSI
import Testing
import Wire

/// RFC 7143, 4.2.2.2 and 7.9.
@Suite("Statuses of a connection, in order or not")
struct StatusWindowTests {
  private func serial(_ number: UInt32) -> SerialNumber { SerialNumber(rawValue: number) }

  @Test("E07: what is missing is told once, and ExpStatSN waits for it, also across the wrap")
  func gap() throws {
    for first in [100, UInt32.max - 1] as [UInt32] {
      var window = StatusWindow(expected: serial(first))
      let late = serial(first &+ 3)
      #expect(try window.arrive(late) == .new(missing: .init(first: first, count: 3)))
      #expect(try window.arrive(late) == .duplicate)
      #expect(try window.arrive(serial(first &+ 4)) == .new(missing: nil))
      #expect(window.expected == serial(first) && window.missingCount == 3)
      #expect(try window.arrive(serial(first &+ 1)) == .new(missing: nil))
      #expect(try window.arrive(serial(first)) == .new(missing: nil))
      #expect(window.expected == serial(first &+ 2) && window.missingCount == 1)
      #expect(try window.arrive(serial(first &+ 2)) == .new(missing: nil))
      #expect(window.expected == serial(first &+ 5) && window.missingCount == 0)
      #expect(try window.arrive(serial(first)) == .duplicate)
    }
  }

  @Test("E07: what means something in its order is asked for again instead of taken early")
  func order() throws {
    var window = StatusWindow(expected: serial(10))
    #expect(
      try window.arrive(serial(12), isOrdered: true) == .early(missing: .init(first: 10, count: 3)))
    #expect(try window.arrive(serial(12), isOrdered: true) == .early(missing: nil))
    #expect(try window.arrive(serial(10), isHeld: true) == .new(missing: nil))
    #expect(try window.arrive(serial(11)) == .new(missing: nil))
    #expect(try window.arrive(serial(12), isOrdered: true) == .new(missing: nil))
    #expect(window.expected == serial(10))
    for _ in 0..<2 {
      let asked = window.release(serial(10))
      #expect(asked == nil && window.expected == serial(13))
    }
  }

  @Test("F5.1: too far ahead is a violation, half a turn away as well")
  func bounds() throws {
    var window = StatusWindow(expected: serial(10))
    for number in [10 + 4096, 10 &+ 0x8000_0000] as [UInt32] {
      #expect(throws: ProtocolViolation.statSN(expected: 10, found: number)) {
        _ = try window.arrive(serial(number))
      }
    }
    #expect(
      try window.arrive(serial(10 + 127)) == .new(missing: .init(first: 10, count: 127)))
    for number in 10..<(10 + 127) as Range<UInt32> { _ = try window.arrive(serial(number)) }
    #expect(window.expected == serial(138) && window.missingCount == 0)
  }

  @Test("E05: what is too far ahead to be kept is not taken; all is asked for, once")
  func beyond() throws {
    for first in [10, UInt32.max - 100] as [UInt32] {
      var window = StatusWindow(expected: serial(first))
      #expect(try window.arrive(serial(first &+ 128)) == .beyond(missing: .all))
      #expect(try window.arrive(serial(first &+ 129)) == .beyond(missing: nil))
      #expect(try window.lose(serial(first &+ 130)) == nil)
      #expect(try window.note(next: serial(first &+ 132)) == nil)
      #expect(window.missingCount == 132 && window.expected == serial(first))
      // What came after the request was sent may not be among what it brings.
      #expect(try window.arrive(serial(first)) == .new(missing: .all))
      for number in 1..<132 as Range<UInt32> {
        #expect(try window.arrive(serial(first &+ number)) == .new(missing: nil))
      }
      #expect(window.expected == serial(first &+ 132) && window.missingCount == 0)
      let lost = try window.lose(serial(first &+ 400))
      #expect(lost?.run == .all && lost?.isAgain == false)
    }
  }

  @Test("E05, E07: what was dropped behind a held status is asked for when that is released")
  func beyondHeld() throws {
    for first in [10, UInt32.max - 100] as [UInt32] {
      var window = StatusWindow(expected: serial(first))
      #expect(try window.arrive(serial(first), isHeld: true) == .new(missing: nil))
      for number in 1..<128 as Range<UInt32> {
        #expect(try window.arrive(serial(first &+ number)) == .new(missing: nil))
      }
      #expect(try window.arrive(serial(first &+ 128)) == .beyond(missing: .all))
      #expect(try window.arrive(serial(first &+ 128)) == .beyond(missing: nil))
      let asked = (0..<2).map { _ in window.release(serial(first)) }
      #expect(asked == [.all, nil])
      #expect(window.expected == serial(first &+ 128) && window.missingCount == 1)
      // Once asked for, it is not again.
      #expect(try window.arrive(serial(first &+ 128)) == .new(missing: nil))
      #expect(window.expected == serial(first &+ 129) && window.missingCount == 0)
    }
  }

  @Test("E07: what came damaged is asked for, again when it does again, never when it has come")
  func damaged() throws {
    var window = StatusWindow(expected: serial(10))
    let first = try window.lose(serial(11))
    #expect(first?.run == .init(first: 10, count: 2))
    #expect(first?.isAgain == false)
    let again = try window.lose(serial(11))
    #expect(again?.run == .init(first: 11, count: 1))
    #expect(again?.isAgain == true)
    #expect(try window.arrive(serial(11)) == .new(missing: nil))
    #expect(try window.lose(serial(11)) == nil)
    #expect(try window.note(next: serial(12)) == nil)
    #expect(try window.note(next: serial(14)) == .init(first: 12, count: 2))
    #expect(try window.note(next: serial(9)) == nil)
  }
}
