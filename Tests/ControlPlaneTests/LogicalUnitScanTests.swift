import LogicalUnit
import Reactor
import SCSI
import SystemPackage
import Testing
import Wire

@testable import ControlPlane

/// Logical units that are odd, and what the scan makes of them; their neighbours are served.
///
/// Operation codes and byte places are those of sg3_utils' sg_inq, sg_readcap, sg_luns and sg_rtpg.
@Suite("A scan of logical units")
struct LogicalUnitScanTests {
  private static let one = LogicalUnitNumber(number: 1)
  private static let two = LogicalUnitNumber(number: 2)

  /// A unit at LUN 1 changed by `change`, beside an ordinary one at LUN 2, logged in to.
  private func scan(_ change: (inout FakeLogicalUnit) -> Void) async throws -> Bench {
    var odd = FakeLogicalUnit()
    change(&odd)
    let bench = try Bench([Self.one: odd, Self.two: FakeLogicalUnit(serial: "OTHER")])
    try await bench.logIn()
    #expect(bench.unit(Self.two)?.handle != nil && bench.unit(Self.two)?.state == "running")
    return bench
  }

  private func geometry(_ bench: Bench) -> Geometry? {
    guard let handle = bench.unit(Self.one)?.handle else { return nil }
    return bench.reactor.with { $0.exposed[handle]?.geometry }
  }

  // MARK: - INQUIRY and pages

  @Test("S01 short INQUIRY data are taken as far as they go, none are an error", arguments: 0...8)
  func shortInquiry(byteCount: Int) async throws {
    let bench = try await scan { $0.inquiryByteCount = byteCount }
    if byteCount == 0 {
      #expect(bench.unit(Self.one) == nil)
      #expect(bench.target?.lastError.contains("LUN 1 of") == true)
      #expect(bench.target?.lastError.contains("0 bytes of parameter data") == true)
    } else {
      #expect(bench.unit(Self.one)?.handle != nil)
      #expect(bench.unit(Self.one)?.description.inquiry.vendor == "")
    }
  }

  @Test("S02 without any page a unit is a file without a name")
  func noPages() async throws {
    let bench = try await scan { $0.pages = [] }
    let unit = try #require(bench.unit(Self.one))
    #expect(unit.handle != nil && unit.vitalProductDataPages == [])
    #expect(unit.description.deviceIdentification == nil)
  }

  @Test("S02 the order pages are listed in means nothing; B1h and 8Fh are shown as they are")
  func unsortedPages() async throws {
    let characteristics: [UInt8] = [0, 0xB1, 0, 4, 0x1C, 0x20, 0, 2]
    let bench = try await scan {
      $0.pages = [0xB2, 0x8F, 0xB0, 0x83, 0xB1, 0x80, 0xC0, 0x00]
      $0.toldPages[0xB1] = characteristics
      // A page that claims more than it has.
      $0.toldPages[0x8F] = [0, 0x8F, 0xFF, 0xFF, 0x00, 0x01]
    }
    let unit = try #require(bench.unit(Self.one))
    #expect(unit.description.unitSerialNumber?.text == "SERIAL-1")
    let pages = Dictionary(
      uniqueKeysWithValues: unit.vitalProductDataPages.map { ($0.code, $0.bytes) })
    #expect(Set(pages.keys) == [0x00, 0x80, 0x83, 0x8F, 0xB0, 0xB1, 0xB2])
    #expect(pages[0xB1] == characteristics)
    #expect(pages[0x8F] == [0, 0x8F, 0xFF, 0xFF, 0x00, 0x01])
  }

  @Test("H53 pages of lengths that lie, or of another code, cost their facts and no more")
  func lyingPages() async throws {
    let bench = try await scan {
      $0.toldPages[0x80] = [0, 0x83, 0, 4] + "1234".utf8
      $0.toldPages[0x83] = [0, 0x83, 0xFF, 0xFF, 0x01, 0x03, 0, 200, 0x60]
      $0.toldPages[0xB0] = [0, 0xB0]
    }
    let unit = try #require(bench.unit(Self.one))
    #expect(unit.handle != nil && unit.description.unitSerialNumber == nil)
    #expect(unit.description.deviceIdentification?.designators == [])
    #expect(unit.description.blockLimits == nil)
    // A page that claims 65535 bytes is asked for twice, the second time with 4096.
    let lengths = bench.reactor.with { state in
      state.commands.filter { $0.lun == Self.one && $0.cdb.byte(at: 2) == 0x83 }
        .map { $0.cdb.bigEndian(at: 3, as: UInt16.self) }
    }
    #expect(lengths == [252, 4096])
  }

  // MARK: - Capacity

  private static func capacity16(_ last: UInt64, _ blockLength: UInt32) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.appendBigEndian(last)
    bytes.appendBigEndian(blockLength)
    return bytes + [UInt8](repeating: 0, count: 20)
  }

  @Test("S04 blocks of 512 to 4096 bytes are served", arguments: [512, 1024, 2048, 4096])
  func blockLengths(bytes: UInt32) async throws {
    let bench = try await scan { $0.blockLength = bytes }
    #expect(geometry(bench)?.logicalBlockLength == bytes)
    #expect(geometry(bench)?.capacityBytes == 2048 * UInt64(bytes))
  }

  @Test(
    "H50 a capacity no file can have gives a sentence and no file",
    arguments: [
      (99, 0, "0 bytes"), (99, 1, "1 bytes"), (99, 3, "3 bytes"), (99, 520, "520 bytes"),
      (99, 1 << 31, "2147483648 bytes"), (.max, 512, "beyond the greatest file size"),
      (UInt64(Int64.max) / 512, 512, "beyond the greatest file size"),
    ] as [(UInt64, UInt32, String)])
  func impossibleCapacity(last: UInt64, blockLength: UInt32, words: String) async throws {
    let bench = try await scan { $0.told[0x9E] = Self.capacity16(last, blockLength) }
    let unit = try #require(bench.unit(Self.one))
    #expect(unit.handle == nil && unit.state == "offline")
    #expect(unit.lastError.contains(words), "\(unit.lastError)")
  }

  @Test("S03 FFFFFFFFh of READ CAPACITY(10) is no capacity: without (16) there is no file")
  func untoldCapacity() async throws {
    let bench = try await scan {
      $0.refused = [OperationCode.serviceActionIn16.rawValue]
      $0.told[0x25] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 2, 0]
    }
    let unit = try #require(bench.unit(Self.one))
    #expect(unit.handle == nil && unit.state == "offline")
    #expect(unit.lastError.contains("READ CAPACITY(16) is refused"))
  }

  @Test("S03, S09 above 2^32 blocks READ CAPACITY(16) tells, and 16-byte commands are used")
  func largeCapacity() async throws {
    let bench = try await scan { $0.blockCount = 1 << 33 }
    let handle = try #require(bench.unit(Self.one)?.handle)
    let registration = try #require(bench.reactor.with { $0.exposed[handle] })
    #expect(registration.geometry.blockCount == 1 << 33)
    #expect(registration.supportsSixteenByteCommands)
    #expect(!bench.reactor.operationCodes(to: Self.one).contains(.readCapacity10))
  }

  @Test("H51 a capacity that changes at every call is read once for each time it is told of")
  func changingCapacity() async throws {
    let bench = try await scan { $0.growth = 8 }
    let session = try #require(bench.target?.sessions.first?.handle)
    let handle = try #require(bench.unit(Self.one)?.handle)
    func readCount() -> Int {
      bench.reactor.operationCodes(to: Self.one).count { $0 == .serviceActionIn16 }
    }
    #expect(readCount() == 1)
    for round in 1...3 {
      bench.reactor.send(.unitAttention(session, Self.one, .capacityDataHasChanged))
      #expect(
        await bench.reaches { bench in
          geometry(bench)?.blockCount == 2048 + 8 * UInt64(round)
        })
      #expect(readCount() == 1 + round)
    }
    #expect(bench.unit(Self.one)?.handle == handle)
    #expect(bench.reactor.with { $0.withdrawn } == [])
  }

  @Test(
    "H56 transfer limits of 0, 1 and 2^32 - 1 blocks leave a limit of at least one block",
    arguments: [(0, 8_388_607), (1, 1), (.max, 8_388_607)] as [(UInt32, UInt32)])
  func transferLimits(told: UInt32, used: UInt32) async throws {
    let bench = try await scan {
      var page = [UInt8](repeating: 0, count: 64)
      page.replaceSubrange(0..<4, with: [0, 0xB0, 0, 60])
      var limit: [UInt8] = []
      limit.appendBigEndian(told)
      page.replaceSubrange(8..<12, with: limit)
      $0.toldPages[0xB0] = page
    }
    #expect(geometry(bench)?.maximumTransferBlocks == used)
  }

  // MARK: - MODE SENSE, readiness

  @Test(
    "H54 MODE SENSE data that lie leave a unit that is flushed",
    arguments: [[], [3, 0, 0], [255, 0, 0, 255, 8, 1], [0, 0, 0x10, 0], [255, 0, 0, 0, 8, 255]]
      as [[UInt8]])
  func lyingModes(data: [UInt8]) async throws {
    let bench = try await scan {
      $0.told[0x1A] = data
      $0.told[0x5A] = data
    }
    let handle = try #require(bench.unit(Self.one)?.handle)
    let registration = try #require(bench.reactor.with { $0.exposed[handle] })
    #expect(!registration.isWriteProtected && registration.hasVolatileCache)
  }

  @Test("S08 a unit without WRITE SAME, UNMAP and COMPARE AND WRITE is served; none is asked for")
  func optionalCommands() async throws {
    let optional: Set<UInt8> = [0x41, 0x42, 0x89, 0x93]
    let bench = try await scan { $0.refused = optional }
    #expect(bench.unit(Self.one)?.handle != nil)
    let sent = bench.reactor.operationCodes(to: Self.one).map(\.rawValue)
    #expect(optional.isDisjoint(with: sent))
  }

  @Test("S10, S12 a unit that is started and becomes ready within 30 s is served")
  func becomesReady() async throws {
    var unit = FakeLogicalUnit()
    unit.pending =
      [.check(.notReady, .initializingCommandRequired), .good([])]
      + Array(repeating: .check(.notReady, .becomingReady), count: 10)
    let bench = try Bench([.zero: unit])
    let login = Task { try await bench.logIn() }
    var waited = Duration.zero
    for _ in 0..<10 { waited += await bench.clock.fireNext() }
    try await login.value
    // 0.1, 0.2, 0.4, 0.8, 1.6 s, then 2 s each.
    #expect(waited == .milliseconds(13_100))
    #expect(bench.unit()?.handle != nil && bench.unit()?.state == "running")
    #expect(bench.reactor.operationCodes(to: .zero).count { $0 == .startStopUnit } == 1)
  }

  @Test("S12, H51 a unit in use that wants a look is started, and its capacity read, once for many")
  func wantsLook() async throws {
    let bench = try await scan { _ in }
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { state in
      state.units[Self.one]?.pending = [.check(.notReady, .initializingCommandRequired)]
      state.units[Self.one]?.blockCount = 1024
      state.commands = []
    }
    for _ in 0..<32 { bench.reactor.send(.unitWantsLook(session, Self.one)) }
    #expect(await bench.reaches { geometry($0)?.blockCount == 1024 })
    #expect(
      bench.reactor.operationCodes(to: Self.one).filter { $0 == .startStopUnit } == [.startStopUnit]
    )
    // One look, and one more for all that was said meanwhile; four at the most in a row.
    let looks = bench.reactor.operationCodes(to: Self.one).count { $0 == .testUnitReady }
    #expect(looks <= 2 + 4)
  }

  @Test("H55 CHECK CONDITION with sense data nobody can read is tried again, five times")
  func unreadableSense() async throws {
    for sense: [UInt8] in [[], [0x7F], [0x70], [0x72, 2], [UInt8](repeating: 0xFF, count: 252)] {
      let junk = ControlTask.Result(status: .checkCondition, data: [], sense: sense)
      let good = try await scan { $0.pending = Array(repeating: junk, count: 5) }
      #expect(good.unit(Self.one)?.handle != nil)
      // NOT READY of an unknown cause is an answer.
      guard SenseData(parsing: sense) == nil else { continue }
      let bad = try await scan { $0.pending = Array(repeating: junk, count: 6) }
      #expect(bad.unit(Self.one)?.state == "offline")
    }
  }

  // MARK: - Asymmetric access

  /// RTPG data as sg_rtpg decodes them: length, then the group with one port.
  private static func portGroup(state: UInt8, identifier: UInt16 = 0x0102) -> [UInt8] {
    [0, 0, 0, 12, state, 0xCF, UInt8(identifier >> 8), UInt8(identifier & 0xFF)]
      + [0, 0, 0, 1, 0, 0, 0, 1]
  }

  @Test(
    "S11 the state of the port group the unit is reached through is shown",
    arguments: [
      (0x80, "active/optimized"), (0x01, "active/non-optimized"), (0x04, "lba-dependent"),
      (0x0F, "transitioning"), (0x07, "state 07h"),
    ] as [(UInt8, String)])
  func accessState(state: UInt8, word: String) async throws {
    let bench = try await scan {
      $0.hasPortGroups = true
      $0.told[0xA3] = Self.portGroup(state: state)
    }
    #expect(bench.unit(Self.one)?.description.accessState?.description == word)
    #expect(bench.unit(Self.one)?.handle != nil)
    let command = bench.reactor.with { state in
      state.commands.first { $0.cdb.operationCode == .maintenanceIn }
    }
    #expect(command?.cdb.bytes == [0xA3, 0x0A, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0])
  }

  @Test("S11 a unit in standby is a file that does not open, and opens when its state has changed")
  func standby() async throws {
    let bench = try await scan {
      $0.hasPortGroups = true
      $0.told[0xA3] = Self.portGroup(state: 2)
      $0.pending = [.check(.notReady, .targetPortInStandbyState)]
    }
    #expect(bench.unit(Self.one)?.description.accessState == .standby)
    #expect(bench.unit(Self.one)?.lastError.contains("NOT READY 04/0B") == true)
    let closed = try #require(bench.unit(Self.one)?.handle)
    await #expect(throws: Errno.noSuchAddressOrDevice) {
      try await bench.initiator.openLogicalUnit(closed, writable: false)
    }
    let session = try #require(bench.target?.sessions.first?.handle)
    bench.reactor.with { $0.units[Self.one]?.told[0xA3] = Self.portGroup(state: 0) }
    bench.reactor.send(.unitAttention(session, Self.one, .asymmetricAccessStateChanged))
    #expect(
      await bench.reaches { $0.unit(Self.one)?.description.accessState == .activeOptimized })
    let handle = try #require(bench.unit(Self.one)?.handle)
    try await bench.initiator.openLogicalUnit(handle, writable: true)
  }

  @Test("S11 a unit that has no states, refuses to tell them or lies about them shows none")
  func noAccessState() async throws {
    let symmetric = try await scan { _ in }
    #expect(symmetric.unit(Self.one)?.description.accessState == nil)
    #expect(!symmetric.reactor.operationCodes(to: Self.one).contains(.maintenanceIn))
    for data: [UInt8]? in [nil, [], [0, 0, 0], Self.portGroup(state: 0, identifier: 7)] {
      let bench = try await scan {
        $0.hasPortGroups = true
        $0.told[0xA3] = data
      }
      #expect(bench.unit(Self.one)?.handle != nil)
      #expect(bench.unit(Self.one)?.description.accessState == nil)
    }
  }
}
