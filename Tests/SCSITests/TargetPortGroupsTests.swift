import Testing

@testable import SCSI

/// The bytes are those sg_rtpg of sg3_utils decodes; the codes those of the kernel's scsi_proto.h.
@Suite("Target port groups (SPC-5, 6.37)")
struct TargetPortGroupsTests {
  private static let data: [UInt8] =
    [0, 0, 0, 28] + [0x80, 0x8F, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2]
    + [0x02, 0x8F, 1, 2, 0, 0, 0, 1, 0, 0, 0, 3]

  @Test("S11 each group has its state and preference, past as many ports as it has")
  func groups() throws {
    let report = try TargetPortGroups(parsing: Self.data)
    #expect(
      report.groups == [
        .init(identifier: 1, state: .activeOptimized, isPreferred: true),
        .init(identifier: 258, state: .standby, isPreferred: false),
      ])
    #expect(report.state(of: 258) == .standby && report.state(of: 2) == nil)
    #expect(
      (0..<16).map { AsymmetricAccessState(rawValue: $0).description } == [
        "active/optimized", "active/non-optimized", "standby", "unavailable", "lba-dependent",
        "state 05h", "state 06h", "state 07h", "state 08h", "state 09h", "state 0Ah", "state 0Bh",
        "state 0Ch", "state 0Dh", "offline", "transitioning",
      ])
  }

  @Test("S11 the command is A3h with service action 0Ah and its length in bytes 6 to 9")
  func command() {
    #expect(
      CommandDescriptorBlock.reportTargetPortGroups(allocationLength: 0x0102_0304).bytes
        == [0xA3, 0x0A, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0])
  }

  @Test("S11 lengths and port counts that lie end the list; cut anywhere nothing traps")
  func lies() throws {
    var bytes = Self.data
    bytes.replaceSubrange(0..<4, with: [0xFF, 0xFF, 0xFF, 0xFF])
    bytes[11] = 255
    #expect(try TargetPortGroups(parsing: bytes).groups.count == 1)
    bytes.replaceSubrange(0..<4, with: [0, 0, 0, 0])
    #expect(try TargetPortGroups(parsing: bytes).groups == [])
    #expect(throws: ParameterDataError.tooShort(byteCount: 3, minimum: 4)) {
      try TargetPortGroups(parsing: [0, 0, 0])
    }
    for count in 4...Self.data.count {
      for value: UInt8 in [0x00, 0x7F, 0xFF] {
        for index in 0..<count {
          var bytes = Array(Self.data.prefix(count))
          bytes[index] = value
          _ = try TargetPortGroups(parsing: bytes)
        }
      }
    }
    let zeros = [0, 1, 0, 0] + [UInt8](repeating: 0, count: 65_536)
    #expect(try TargetPortGroups(parsing: zeros).groups.count == 8192)
  }
}
