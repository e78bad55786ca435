/// How many reactors serve a mount, and which of them serves a session: a power of two.
package struct Lanes: BitwiseCopyable, Equatable, Sendable {
  private let shift: UInt8

  /// One reactor.
  package static let one = Lanes(count: 1)

  package init(count: Int) {
    precondition(count > 0 && count & (count - 1) == 0 && count <= 16, "a small power of two")
    shift = UInt8(count.trailingZeroBitCount)
  }

  package var count: Int { 1 << Int(shift) }

  /// The reactor that serves what has this number.
  package func lane(of number: Int) -> Int { number & (count - 1) }

  /// Its place in that reactor's own table.
  package func place(of number: Int) -> Int { number >> Int(shift) }

  /// The number of a place in a reactor's table.
  package func number(place: Int, lane: Int) -> Int { place << Int(shift) | lane }
}
