import ISCSI
import LinuxIO
import LogicalUnit
import Reactor
import SCSI

@testable import ControlPlane

/// Snapshots for the tests: one target with two LUNs, and what can be made of it.
enum Fixtures {
  static let iqn = "iqn.2026-01.org:disk"
  static let disk = LogicalUnitHandle(index: 1, generation: 1)
  static let protected = LogicalUnitHandle(index: 2, generation: 1)
  static let blocks: UInt64 = 2048
  static let diskBytes = blocks * 512
  static let session = SessionHandle(index: 0, generation: 1)
  static let noon = WallTime(nanoseconds: 1_795_694_400_000_000_000)
  static let afterwards = WallTime(nanoseconds: 1_795_694_520_000_000_000)
  static let portal = PortalSnapshot(
    address: "127.0.0.1", port: 3260, targetPortalGroupTag: 1, state: .loggedIn,
    lastError: "0 SUCCESS")

  static func initiator(_ targets: [TargetSnapshot], revision: UInt64 = 1) -> InitiatorSnapshot {
    InitiatorSnapshot(
      initiatorName: "iqn.2026-01.org.example:host", targets: SnapshotList(targets),
      revision: revision)
  }

  static func target(
    _ name: String = iqn, units: [LogicalUnitSnapshot]? = nil, sessions: [SessionSnapshot]? = nil
  ) throws -> TargetSnapshot {
    TargetSnapshot(
      name: name, directoryName: name, state: .loggedIn, lastError: "0 SUCCESS",
      portals: [portal], sessions: sessions ?? [sessionSnapshot()],
      logicalUnits: SnapshotList(
        try units ?? [
          unit(1, handle: disk), unit(2, handle: protected, isWriteProtected: true),
          unit(3, handle: nil),
        ]))
  }

  static func sessionSnapshot() -> SessionSnapshot {
    var parameters = NegotiatedParameters()
    parameters.maxXmitDataSegmentLength = 8192
    parameters.maxRecvDataSegmentLength = 262_144
    parameters.maxBurstLength = 262_144
    parameters.firstBurstLength = 65_536
    parameters.headerDigest = true
    parameters.initialR2T = false
    let connection = ConnectionSnapshot(
      connectionID: 0, address: "127.0.0.1", port: 3260, persistentAddress: "target.example",
      persistentPort: 3260, localAddress: "127.0.0.2", localPort: 40_000, state: "up",
      parameters: parameters)
    return SessionSnapshot(
      number: 1, handle: session, isid: ISID(rawValue: 0x8012_3456_0001), tsih: 7,
      targetPortalGroupTag: 1, state: "LOGGED_IN", parameters: parameters,
      timeouts: SessionTimeouts(), connections: [connection])
  }

  static func unit(
    _ number: UInt16, handle: LogicalUnitHandle?, isWriteProtected: Bool = false,
    blocks: UInt64 = blocks, state: String = "running"
  ) throws -> LogicalUnitSnapshot {
    let lun = LogicalUnitNumber(number: number)
    var inquiry = [UInt8](repeating: 0x20, count: 36)
    inquiry.replaceSubrange(0..<8, with: [0, 0, 6, 2, 31, 0, 0, 2])
    inquiry.replaceSubrange(8..<11, with: [UInt8]("IET".utf8))
    inquiry.replaceSubrange(16..<28, with: [UInt8]("VIRTUAL-DISK".utf8))
    inquiry.replaceSubrange(32..<36, with: [UInt8]("0001".utf8))
    var description = LogicalUnitDescription(
      logicalUnitNumber: lun, inquiry: try unsafe InquiryData(parsing: inquiry.span.bytes))
    let serial: [UInt8] = [0, 0x80, 0, 4] + [UInt8]("SN0\(number)".utf8)
    description.unitSerialNumber = try unsafe UnitSerialNumber(parsing: serial.span.bytes)
    // NAA 3, of the logical unit.
    let naa: [UInt8] = [0x30, 0, 0, 0, 0, 0, 0, UInt8(number)]
    let page: [UInt8] = [0, 0x83, 0, 12, 1, 3, 0, 8] + naa
    description.deviceIdentification = try unsafe DeviceIdentification(parsing: page.span.bytes)
    if handle != nil {
      var capacity = (0..<8).map { UInt8(truncatingIfNeeded: (blocks - 1) >> (56 - $0 * 8)) }
      capacity += [0, 0, 2, 0, 0, 3, 0, 0]
      description.capacity = try unsafe ReadCapacityData(
        parsingReadCapacity16: capacity.span.bytes)
      // MODE SENSE(6): WP and DPOFUA, then the caching page with WCE.
      let flags: UInt8 = isWriteProtected ? 0x90 : 0x10
      let mode: [UInt8] = [23, 0, flags, 0, 8, 18, 4] + [UInt8](repeating: 0, count: 17)
      description.modeParameters = try unsafe ModeParameters(
        parsingModeSense6: mode.span.bytes)
    }
    return LogicalUnitSnapshot(
      lun: lun, handle: handle, description: description, state: state, openCount: 0,
      vitalProductDataPages: [VitalProductDataPageBytes(code: 0x83, bytes: page)],
      portals: [portal], timeoutSeconds: handle.map { _ in 30 })
  }
}
