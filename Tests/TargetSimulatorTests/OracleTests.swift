import Testing

@testable import TargetSimulator

@Suite("Other people's initiators", .serialized)
struct OracleTests {
  static let name = "iqn.2026-01.org.example:disk"

  /// Two disks and room for thin provisioning, served on a port of the kernel's choice.
  static func serve(secret: String? = nil) throws -> SimulatorServer {
    let target = SimulatedTarget(name: name)
    // One logical block a physical block: libiscsi's GetLBAStatus test confuses the two.
    var disk = SimulatedLogicalUnit.Configuration(blockCount: 131_072, identity: 1)
    disk.physicalBlockExponent = 0
    target.add(SimulatedLogicalUnit(disk), lun: 0)
    target.add(
      SimulatedLogicalUnit(.init(blockCount: 16_384, blockLength: 4096, identity: 2)), lun: 5)
    if let secret { target.credentials = .init(user: "someone", secret: secret) }
    return try SimulatorServer(SimulatedPortal(targets: [target]))
  }

  @Test("iscsi-ls finds the target and its logical units", .requires(.list))
  func list() throws {
    let tool = ToolOracle.list.path
    let server = try Self.serve()
    defer { server.stop() }
    let (status, output) = ToolOracle.run("\(tool) -s iscsi://\(server.address)")
    #expect(status == 0)
    #expect(output.contains("Target:\(Self.name) Portal:\(server.address),1"))
    #expect(output.contains("Lun:0    Type:DIRECT_ACCESS (Size:63M)"), "\(output)")
    #expect(output.contains("Lun:5 "), "\(output)")
  }

  @Test("iscsi-ls logs in with CHAP, and is refused with another secret", .requires(.list))
  func chap() throws {
    let tool = ToolOracle.list.path
    let server = try Self.serve(secret: "twelve-chars")
    defer { server.stop() }
    let good = ToolOracle.run("\(tool) -s iscsi://someone%twelve-chars@\(server.address)")
    #expect(good.output.contains("Lun:0 "), "\(good.output)")
    let bad = ToolOracle.run("\(tool) -s iscsi://someone%other-secret@\(server.address)")
    #expect(!bad.output.contains("Lun:0 "))
  }

  @Test(
    "iscsi-inq and iscsi-readcapacity16 read what was configured", .requires(.inquiry, .capacity))
  func identity() throws {
    let (inquiry, capacity) = (ToolOracle.inquiry.path, ToolOracle.capacity.path)
    let server = try Self.serve()
    defer { server.stop() }
    let url = "iscsi://\(server.address)/\(Self.name)"
    let standard = ToolOracle.run("\(inquiry) \(url)/5")
    #expect(standard.output.contains("Vendor:ISCSIFS"), "\(standard.output)")
    for page in ["0x80", "0x83", "0xb0", "0xb1", "0xb2"] {
      let answer = ToolOracle.run("\(inquiry) -e 1 -c \(page) \(url)/5")
      #expect(answer.status == 0, "page \(page): \(answer.output)")
    }
    let size = ToolOracle.run("\(capacity) \(url)/5")
    #expect(size.output.contains("RETURNED LOGICAL BLOCK ADDRESS:16383"), "\(size.output)")
    #expect(size.output.contains("BLOCK LENGTH IN BYTES:4096"), "\(size.output)")
  }

  /// Families of libiscsi's target tests that must pass.
  static let families = [
    "iSCSI.iSCSIResiduals", "iSCSI.iSCSIdatasn", "iSCSI.iSCSITMF",
    "Inquiry", "ReadCapacity10", "ReadCapacity16", "Read6", "Read10", "Read12", "Read16",
    "Write10", "Write12", "Write16", "WriteSame10", "WriteSame16", "WriteVerify10",
    "WriteVerify16", "Verify10", "Verify16", "Unmap", "GetLBAStatus", "TestUnitReady",
    "ModeSense6", "Mandatory", "StartStopUnit",
  ].map { $0.contains(".") ? $0 : "SCSI." + $0 }

  @Test("libiscsi's target tests pass", .requires(.conformance), arguments: families)
  func conformance(family: String) throws {
    let tool = ToolOracle.conformance.path
    let server = try Self.serve()
    defer { server.stop() }
    let (status, output) = ToolOracle.run(
      "\(tool) --dataloss -A -t '\(family).*' iscsi://\(server.address)/\(Self.name)/0")
    #expect(status == 0, "\(output)")
    let failures = output.split(separator: "\n").filter { $0.contains("...FAILED") }
    #expect(failures.isEmpty, "\(output)")
    #expect(output.contains("asserts"), "\(output)")
  }

  @Test("qemu-img writes, reads and compares", .requires(.qemu))
  func qemu() throws {
    let tool = ToolOracle.qemu.path
    let server = try Self.serve()
    defer { server.stop() }
    let url = "iscsi://\(server.address)/\(Self.name)/0"
    let info = ToolOracle.run("\(tool) info -f raw \(url)")
    #expect(info.output.contains("67108864 bytes"), "\(info.output)")
    let bench = ToolOracle.run(
      "\(tool) bench -f raw -w -c 400 -d 16 -s 65536 --pattern=171 -t none \(url)")
    #expect(bench.status == 0, "\(bench.output)")
    let unit = server.withPortal { portal in
      portal.targets[0].logicalUnits[0]?.contents(at: 0, count: 400 * 65536)
    }
    #expect(unit == [UInt8](repeating: 171, count: 400 * 65536))
  }
}
