import Reactor
import SCSI
import Testing
import Wire

@testable import ControlPlane

/// REPORT LUNS of every length and addressing method, true and false.
///
/// The eight bytes of each method are as sg_luns --decode of sg3_utils tells them.
@Suite("A list of LUNs")
struct LUNListTests {
  private static func list(_ numbers: [UInt64], length: UInt32? = nil) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(length ?? UInt32(numbers.count * 8))
    bytes.appendBigEndian(UInt32(0))
    for number in numbers { bytes.appendBigEndian(number) }
    return bytes
  }

  /// Peripheral device, on another bus; flat space; logical unit; well known (REPORT LUNS);
  /// extended flat space of 4 bytes; two levels.
  static let methods: [(UInt64, String)] = [
    (0x0007_0000_0000_0000, "7"), (0x0105_0000_0000_0000, "0x0105000000000000"),
    (0x4100_0000_0000_0000, "256"), (0x7FFF_0000_0000_0000, "16383"),
    (0x8123_0000_0000_0000, "0x8123000000000000"), (0xC101_0000_0000_0000, "0xc101000000000000"),
    (0xD201_0001_0000_0000, "0xd201000100000000"), (0x0001_0002_0000_0000, "0x0001000200000000"),
  ]

  @Test("S05 every addressing method: the LUN goes back bit for bit, and has a name of its own")
  func addressingMethods() async throws {
    let luns = Self.methods.map { LogicalUnitNumber(rawValue: $0.0) }
    let bench = try Bench(
      Dictionary(uniqueKeysWithValues: luns.map { ($0, FakeLogicalUnit()) }))
    try await bench.logIn()
    #expect(
      Set(bench.target?.logicalUnits.map(\.lun.name) ?? []) == Set(Self.methods.map(\.1)))
    for lun in luns {
      #expect(bench.reactor.operationCodes(to: lun).first == .inquiry)
      #expect(bench.unit(lun)?.handle != nil)
    }
    let asked = bench.reactor.with { state in
      Set(state.commands.filter { $0.cdb.operationCode != .reportLUNs }.map(\.lun))
    }
    #expect(asked == Set(luns))
  }

  @Test("S05 a list of 0, 1, 256 and 16384 LUNs is read whole", arguments: [0, 1, 256, 16_384])
  func counts(count: Int) async throws {
    let reactor = try FakeReactor()
    defer { reactor.stop() }
    let listed = (0..<count).map { LogicalUnitNumber(number: UInt16($0)) }
    reactor.with { $0.alsoListed = listed }
    let scanner = LogicalUnitScanner(
      port: reactor.port, session: SessionHandle(index: 0, generation: 1), clock: ManualClock())
    #expect(try await scanner.inventory() == listed)
    let lengths = reactor.with { state in
      state.commands.map { $0.cdb.bigEndian(at: 6, as: UInt32.self) }
    }
    #expect(lengths == (count == 16_384 ? [4096, 131_080] : [4096]))
  }

  @Test("S05 listed LUNs nobody has are asked once each, and the login stands")
  func nobodyThere() async throws {
    let bench = try Bench([:])
    let listed = (0..<256).map { LogicalUnitNumber(number: UInt16($0)) }
    bench.reactor.with { $0.alsoListed = listed }
    try await bench.logIn()
    let asked = bench.reactor.with { state in
      state.commands.filter { $0.cdb.operationCode == .inquiry }.map(\.lun)
    }
    #expect(asked.count == 256 && Set(asked) == Set(listed))
    #expect(bench.target?.state == .loggedIn && bench.target?.logicalUnits == [])
  }

  @Test("H52 a LUN listed twice, in one form or in both, is asked once and is one file")
  func duplicates() async throws {
    let five = LogicalUnitNumber(number: 5)
    let bench = try Bench([five: FakeLogicalUnit()])
    bench.reactor.with {
      $0.reportLUNsData = Self.list([5 << 48, 5 << 48, 0x4005 << 48, 5 << 48])
    }
    try await bench.logIn()
    #expect(bench.target?.logicalUnits.map(\.lun) == [five])
    let inquiries = bench.reactor.with { state in
      state.commands.count { $0.cdb.operationCode == .inquiry && $0.cdb.byte(at: 1) == 0 }
    }
    #expect(inquiries == 1)
  }

  @Test(
    "H52 lengths of 0 and 7 hold none, one that is no multiple of 8 its whole entries",
    arguments: [(0, []), (7, []), (15, [1]), (16, [1, 2])] as [(UInt32, [UInt16])])
  func lengths(length: UInt32, expected: [UInt16]) async throws {
    let units = [1, 2].map { LogicalUnitNumber(number: $0) }
    let bench = try Bench(
      Dictionary(uniqueKeysWithValues: units.map { ($0, FakeLogicalUnit()) }))
    bench.reactor.with { $0.reportLUNsData = Self.list([1 << 48, 2 << 48], length: length) }
    try await bench.logIn()
    #expect(
      bench.target?.logicalUnits.map(\.lun) == expected.map { LogicalUnitNumber(number: $0) })
  }

  @Test(
    "H52 a list that claims more than comes is refused in a sentence, after two tries",
    arguments: [24, 0xFFFF_FFF8] as [UInt32])
  func claimsMore(length: UInt32) async throws {
    let one = LogicalUnitNumber(number: 1)
    let bench = try Bench([one: FakeLogicalUnit()])
    bench.reactor.with { $0.reportLUNsData = Self.list([1 << 48, 2 << 48], length: length) }
    try await bench.logIn()
    #expect(bench.target?.logicalUnits == [])
    #expect(bench.target?.lastError.contains("REPORT LUNS of") == true)
    #expect(bench.target?.lastError.contains("cut off or goes on growing") == true)
    let count = bench.reactor.with { $0.commands.count { $0.cdb.operationCode == .reportLUNs } }
    #expect(count <= 2)
  }

  @Test("H52 a list without a header is an error that says how many bytes came")
  func noHeader() async throws {
    let bench = try Bench([.zero: FakeLogicalUnit()])
    bench.reactor.with { $0.reportLUNsData = [0, 0, 0] }
    try await bench.logIn()
    #expect(bench.target?.lastError.contains("3 bytes of parameter data") == true)
  }
}
