/// What a proxy does to the connections through it; nothing, as it stands.
package struct Disturbance: Sendable {
  /// Milliseconds between two moments at which every connection is reset, drawn each time.
  package var resetMilliseconds: ClosedRange<Int>?
  /// Bytes, both ways together, after which a connection is reset, drawn for each.
  package var resetByteCount: ClosedRange<Int>?
  /// Ways that carry nothing: what is sent waits, as behind a firewall that drops packets.
  package var held: Set<Direction> = []
  /// Milliseconds a piece is late, drawn for each; order stays.
  package var delayMilliseconds: ClosedRange<Int>?
  /// Bytes of a segment at most.
  package var segmentByteCount: Int?
  /// New connections are reset at once.
  package var refusesConnections = false

  package init(
    resetMilliseconds: ClosedRange<Int>? = nil, resetByteCount: ClosedRange<Int>? = nil,
    held: Set<Direction> = [], delayMilliseconds: ClosedRange<Int>? = nil,
    segmentByteCount: Int? = nil, refusesConnections: Bool = false
  ) {
    self.resetMilliseconds = resetMilliseconds
    self.resetByteCount = resetByteCount
    self.held = held
    self.delayMilliseconds = delayMilliseconds
    self.segmentByteCount = segmentByteCount
    self.refusesConnections = refusesConnections
  }
}
