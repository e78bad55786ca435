import Lab

@testable import TargetSimulator

/// A target of a portal of its own that behaves until it is told to do as its case says, with a
/// user of its LUN.
final class HostileServer: Sendable {
  /// Where the bytes lie that were flushed before it misbehaves, and where its user writes.
  static let flushedOffset = 4 << 16
  static let writtenOffset = 8 << 16
  static let byteCount = 1 << 16

  let row: HostileCase
  private let server: SimulatedPortalServer

  var name: String { "iqn.2026-11.org.iscsifs:bad-\(row.name)" }
  var address: String { server.address }

  init(_ lab: Lab, _ row: HostileCase, identity: UInt32) throws {
    self.row = row
    let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:bad-\(row.name)")
    // Writes ask for R2Ts, and a closed window is soon met.
    target.parameters.initialR2T = true
    target.parameters.immediateData = false
    target.parameters.commandWindow = 8
    let unit = SimulatedLogicalUnit(.init(blockCount: 8192, identity: identity))
    unit.configuration.hasVolatileCache = true
    target.add(unit, lun: 1)
    server = try SimulatedPortalServer(lab, [target])
  }

  /// From here on it misbehaves, on the connections it has and on all that come.
  func begin() {
    server.setFaults(row.makeFaults)
    server.setSessionFaults(row.makeFaults)
  }

  /// From here on it behaves.
  func end() {
    server.setFaults { [] }
    server.setSessionFaults { [] }
  }

  /// What the medium holds; with its power gone, only what has been flushed.
  func contents(at offset: Int, losingPower: Bool) -> [UInt8] {
    server.contents(at: UInt64(offset), count: Self.byteCount, losingPower: losingPower)
  }

  /// Starts the user of its LUN.
  ///
  /// - Parameters:
  ///   - file: the LUN's.
  ///   - bytes: a file of what is written.
  ///   - copy: a file for what is read.
  func startUser(
    _ lab: Lab, of file: String, writing bytes: String, copy: String
  ) throws -> ManagedProcess {
    let block = Self.byteCount
    let words =
      switch row.use {
      case .read:
        [
          "if=\(file)", "of=\(copy)", "bs=\(block)", "count=1",
          "skip=\(Self.flushedOffset / block)", "iflag=direct",
        ]
      case .write:
        [
          "if=\(bytes)", "of=\(file)", "bs=\(block)", "count=1",
          "seek=\(Self.writtenOffset / block)", "oflag=direct", "conv=notrunc",
        ]
      case .manyReads: ["if=\(file)", "of=/dev/null", "bs=4096", "count=64", "iflag=direct"]
      }
    return try ManagedProcess(["dd", "status=none"] + words, output: lab.fresh("user"))
  }
}
