import LogicalUnit
import Reactor
import SCSI
import SystemPackage
import Testing

@testable import ControlPlane

/// "Which LUNs exist", sentence by sentence.
struct WhichLUNsExistTests {
  private let two = LogicalUnitNumber(number: 2)
  private let three = LogicalUnitNumber(number: 3)

  @Test("S05 REPORT LUNS is the only source")
  func reportLUNsIsTheOnlySource() async throws {
    let bench = try Bench([two: FakeLogicalUnit(), three: FakeLogicalUnit()])
    try await bench.logIn()
    #expect(bench.target?.logicalUnits.map(\.lun) == [two, three])
    let first = try #require(bench.reactor.with { $0.commands.first })
    #expect(first.cdb.operationCode == .reportLUNs && first.lun == .zero)
  }

  @Test("S05 an unlisted LUN gets no command at all")
  func unlistedLUNGetsNoCommandAtAll() async throws {
    let bench = try Bench([two: FakeLogicalUnit()])
    try await bench.logIn()
    let others = bench.reactor.with { state in
      state.commands.filter { $0.lun != two && $0.cdb.operationCode != .reportLUNs }
    }
    #expect(others.isEmpty)
  }

  @Test(
    "S05 refused REPORT LUNS means LUN 0 only",
    arguments: [AdditionalSense.invalidCommandOperationCode, .invalidFieldInCDB])
  func refusedReportLUNsMeansLUN0Only(refusal: AdditionalSense) async throws {
    let bench = try Bench([.zero: FakeLogicalUnit(), two: FakeLogicalUnit()])
    bench.reactor.with { $0.reportLUNsRefusal = refusal }
    try await bench.logIn()
    #expect(bench.target?.logicalUnits.map(\.lun) == [.zero])
    #expect(bench.reactor.operationCodes(to: two).isEmpty)
  }

  @Test(
    "S01 a unit that is absent by INQUIRY gets this one command and no file",
    arguments: [0x3F, 0x7F, 0x60] as [UInt8])
  func absentUnitGetsOneInquiryAndNoFile(inquiryByte: UInt8) async throws {
    var absent = FakeLogicalUnit()
    absent.inquiryByte = inquiryByte
    let bench = try Bench([two: absent])
    try await bench.logIn()
    #expect(bench.target?.logicalUnits == [])
    #expect(bench.reactor.operationCodes(to: two) == [.inquiry])
  }

  @Test("S01 a unit that is not connected is a file that gives ENXIO")
  func notConnectedUnitIsAFileThatGivesENXIO() async throws {
    var offline = FakeLogicalUnit()
    offline.inquiryByte = 0x20
    let bench = try Bench([.zero: offline])
    try await bench.logIn()
    let unit = try #require(bench.unit())
    let handle = try #require(unit.handle)
    #expect(unit.state == "offline")
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await bench.initiator.openLogicalUnit(handle, writable: false)
    }
    #expect(bench.reactor.with { $0.exposed.isEmpty })
  }

  @Test("S01 a tape has information without a data file")
  func tapeHasInformationWithoutADataFile() async throws {
    var tape = FakeLogicalUnit()
    tape.inquiryByte = 0x01
    let bench = try Bench([.zero: tape])
    try await bench.logIn()
    let unit = try #require(bench.unit())
    #expect(unit.handle == nil && unit.description.inquiry.vendor == "FAKE")
    #expect(bench.reactor.operationCodes(to: .zero).allSatisfy { $0 != .testUnitReady })
  }

  @Test("S01 an optical disc is a file for reading")
  func opticalDiscIsAFileForReading() async throws {
    var disc = FakeLogicalUnit()
    disc.inquiryByte = 0x05
    disc.blockLength = 2048
    let bench = try Bench([.zero: disc])
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: false)
    await #expect(throws: Errno.readOnlyFileSystem) {
      try await bench.initiator.openLogicalUnit(handle, writable: true)
    }
  }

  @Test("S04 blocks of 520 bytes give information and a reason")
  func blocksOf520BytesGiveInformationAndAReason() async throws {
    var odd = FakeLogicalUnit()
    odd.blockLength = 520
    let bench = try Bench([.zero: odd])
    try await bench.logIn()
    let unit = try #require(bench.unit())
    #expect(unit.handle == nil)
    #expect(unit.lastError.contains("520"))
  }

  @Test func listedUnitThatDoesNotExistHasNoFileAndHurtsNobody() async throws {
    let bench = try Bench([two: FakeLogicalUnit()])
    bench.reactor.with { $0.alsoListed = [.zero] }
    try await bench.logIn()
    #expect(bench.target?.logicalUnits.map(\.lun) == [two])
  }

  @Test("S02 every page of ours that is listed is read, and no other")
  func everyListedPageIsReadAndNoOther() async throws {
    var unit = FakeLogicalUnit()
    unit.pages = [0x00, 0x83, 0x80, 0xC0]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    let asked = bench.reactor.with { state in
      state.commands.map(\.cdb)
        .filter { $0.operationCode == .inquiry && $0.byte(at: 1) == 1 }
        .map { $0.byte(at: 2) }
    }
    #expect(Set(asked) == [0x00, 0x80, 0x83])
    #expect(bench.unit()?.vitalProductDataPages.map(\.code).sorted() == [0x00, 0x80, 0x83])
  }

  @Test func unitAttentionsAreSwallowedWhileScanning() async throws {
    var unit = FakeLogicalUnit()
    unit.pending = [
      .check(.unitAttention, .powerOnOrReset), .check(.unitAttention, .modeParametersChanged),
    ]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    #expect(bench.unit()?.handle != nil)
  }

  @Test("S12 a unit that waits for START UNIT is started")
  func unitThatWaitsForStartIsStarted() async throws {
    var unit = FakeLogicalUnit()
    unit.pending = [.check(.notReady, .initializingCommandRequired)]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    #expect(bench.reactor.operationCodes(to: .zero).contains(.startStopUnit))
    #expect(bench.unit()?.handle != nil)
  }

  @Test("S10 a unit becoming ready is waited for, at most 30 s")
  func unitBecomingReadyIsWaitedForAtMostThirtySeconds() async throws {
    var unit = FakeLogicalUnit()
    unit.pending = Array(repeating: .check(.notReady, .becomingReady), count: 100)
    let bench = try Bench([.zero: unit])
    async let done: Void = bench.logIn()
    var waited = Duration.zero
    while waited < .seconds(30) { waited += await bench.clock.fireNext() }
    try await done
    #expect(waited == .seconds(30))
    let handle = try #require(bench.unit()?.handle)
    #expect(bench.unit()?.state == "offline")
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await bench.initiator.openLogicalUnit(handle, writable: false)
    }
  }

  @Test func absentMediumIsENOMEDIUM() async throws {
    var unit = FakeLogicalUnit()
    unit.inquiryByte = 0x05
    unit.pending = [.check(.notReady, .mediumNotPresent)]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    let handle = try #require(bench.unit()?.handle)
    await #expect(throws: Errno.noMedium) {
      try await bench.initiator.openLogicalUnit(handle, writable: false)
    }
  }

  @Test("S03 READ CAPACITY(10) serves units that do not know (16)")
  func readCapacity10ServesUnitsThatDoNotKnow16() async throws {
    var unit = FakeLogicalUnit()
    unit.refused = [OperationCode.serviceActionIn16.rawValue]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    let registration = try #require(bench.reactor.with { $0.exposed.values.first })
    #expect(!registration.supportsSixteenByteCommands)
    #expect(registration.geometry.capacityBytes == 2048 * 512)
  }

  @Test("S06 WP, DPOFUA and WCE reach the reactor")
  func modeParametersReachTheReactor() async throws {
    var unit = FakeLogicalUnit()
    unit.isWriteProtected = true
    unit.writeCache = false
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    let registration = try #require(bench.reactor.with { $0.exposed.values.first })
    #expect(registration.isWriteProtected && registration.supportsForceUnitAccess)
    #expect(!registration.hasVolatileCache && registration.supportsSixteenByteCommands)
  }

  @Test("S06 a unit without MODE SENSE is flushed and writable")
  func unitWithoutModeSenseIsFlushedAndWritable() async throws {
    var unit = FakeLogicalUnit()
    unit.refused = [OperationCode.modeSense6.rawValue, OperationCode.modeSense10.rawValue]
    let bench = try Bench([.zero: unit])
    try await bench.logIn()
    let registration = try #require(bench.reactor.with { $0.exposed.values.first })
    #expect(!registration.isWriteProtected && registration.hasVolatileCache)
  }

  @Test func changedInventoryBringsAndTakesFiles() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { state in
      state.units = [two: FakeLogicalUnit()]
    }
    for _ in 0..<3 {
      bench.reactor.send(.unitAttention(session, .zero, .reportedLUNsDataHasChanged))
    }
    #expect(await bench.clock.fires(Target.scanDelay))
    #expect(await bench.reaches { $0.target?.logicalUnits.map(\.lun) == [two] })
    #expect(bench.reactor.with { $0.withdrawn.map(\.error) } == [.noSuchAddressOrDevice])
    let scans = bench.reactor.with { state in
      state.commands.filter { $0.cdb.operationCode == .reportLUNs }.count
    }
    #expect(scans == 2)
  }

  @Test(
    "H52 a list that is not whole, or grows as it is read, takes no file",
    arguments: [(1, 0), (1000, 0), (1000, 1000)])
  func listThatIsNotWholeTakesNoFile(unsent: Int, growth: Int) async throws {
    let bench = try Bench([.zero: FakeLogicalUnit(), two: FakeLogicalUnit(serial: "OTHER")])
    try await bench.logIn()
    bench.reactor.with { state in
      state.units[two] = nil
      state.unsentLUNs = unsent
      state.unsentLUNsGrowth = growth
    }
    let refusal = await #expect(throws: ControlError.self) {
      try await bench.initiator.perform(.rescan, target: Bench.targetName)
    }
    #expect(refusal?.errno == .protocolError)
    #expect(bench.target?.logicalUnits.map(\.lun) == [.zero, two])
    #expect(bench.reactor.with { $0.withdrawn } == [])
  }

  @Test func changedCapacityIsReadAgainAndTold() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let session = try #require(bench.target?.sessions.first?.handle)
    let handle = try #require(bench.unit()?.handle)
    bench.reactor.with { $0.units[.zero]?.blockCount = 4096 }
    bench.reactor.send(.unitAttention(session, .zero, .capacityDataHasChanged))
    for await change in bench.initiator.changes where change == .capacityChanged(handle) { break }
    #expect(bench.reactor.with { $0.exposed[handle]?.geometry.blockCount } == 4096)
    #expect(bench.unit()?.handle == handle)
  }

  @Test func anotherUnitUnderTheSameNumberIsAnotherFile() async throws {
    let bench = try Bench()
    try await bench.logIn()
    let old = try #require(bench.unit()?.handle)
    try await bench.initiator.openLogicalUnit(old, writable: true)
    bench.reactor.with { $0.units[.zero]?.serial = "ANOTHER" }
    try await bench.initiator.perform(.rescan, target: Bench.targetName)
    let new = try #require(bench.unit()?.handle)
    #expect(new != old)
    #expect(bench.reactor.with { $0.withdrawn } == [.init(unit: old, error: .staleNFSFileHandle)])
    #expect(bench.reactor.with { Array($0.exposed.keys) } == [new])
    try await bench.initiator.openLogicalUnit(new, writable: true)
    await #expect(throws: Errno.staleNFSFileHandle) {
      try await bench.initiator.openLogicalUnit(old, writable: true)
    }
  }
}
