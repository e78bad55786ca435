import FUSE
import ISCSI
import LinuxIO
import LogicalUnit
import SCSI
import Testing

@testable import Reactor

/// Two reactors of one mount, each with its queue of the ring and its session, turned by hand.
final class TwoReactors {
  let first: ReactorHarness
  let second: ReactorHarness

  /// - Parameter sessions: those that show the unit; 4 is the first reactor's, 5 the second's.
  init(sessions: [UInt16] = [4, 5]) throws {
    let port = try ReactorPort(lanes: Lanes(count: 2))
    let memory = try #require(
      RingMemory(queueCount: 2, entriesPerQueue: 16, layout: SlotMemory.ringLayout))
    let exchange = RingExchange(memory: memory, laneCount: 2) { port.lane($0).wakeup.signal() }
    first = try ReactorHarness(beside: (port, exchange, 0))
    second = try ReactorHarness(beside: (port, exchange, 1))
    port.expose(
      ReactorHarness.unit,
      LogicalUnitRegistration(
        sessions: sessions.map { SessionHandle(index: $0, generation: 2) },
        lun: LogicalUnitNumber(number: 1),
        geometry: try Geometry(
          logicalBlockLength: 512, lastLogicalBlockAddress: LogicalBlockAddress(8191)),
        isWriteProtected: false, supportsForceUnitAccess: false, hasVolatileCache: true,
        supportsSixteenByteCommands: true))
    turn()
  }

  func turn() {
    for _ in 0..<3 {
      first.turn()
      second.turn()
    }
  }
}
