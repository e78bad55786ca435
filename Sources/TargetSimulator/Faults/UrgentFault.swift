package import ISCSI

/// Marks a byte of every PDU as urgent data of TCP, each time another; it stays in the stream.
package final class UrgentFault: ConnectionFault {
  private var pduCount = 0

  package init() {}

  package var keepsSegments: Bool { true }

  package func wire(
    _ actions: [ConnectionAction], of header: BasicHeaderSegment
  ) -> [ConnectionAction] {
    actions.flatMap { action in
      guard case .send(let bytes) = action else { return [action] }
      defer { pduCount += 1 }
      let end = pduCount * 7 % bytes.count + 1
      return [.sendUrgent(Array(bytes[..<end])), .send(Array(bytes[end...]))]
    }
  }
}
