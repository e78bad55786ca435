package import ISCSI

/// Writes the stream in segments of a given size, down to single bytes.
package final class SegmentFault: ConnectionFault {
  private let byteCount: Int

  package init(byteCount: Int = 1) {
    precondition(byteCount > 0, "a segment has bytes")
    self.byteCount = byteCount
  }

  package var keepsSegments: Bool { true }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    actions.flatMap { action -> [ConnectionAction] in
      guard case .send(let bytes) = action else { return [action] }
      return stride(from: 0, to: bytes.count, by: byteCount).map {
        .send(Array(bytes[$0..<min($0 + byteCount, bytes.count)]))
      }
    }
  }
}
