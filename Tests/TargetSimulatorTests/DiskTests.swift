import Testing

@testable import TargetSimulator

@Suite("The simulated disk (SBC-4)")
struct DiskTests {
  private func run(
    _ unit: SimulatedLogicalUnit, _ cdb: [UInt8], _ dataOut: [UInt8] = []
  ) -> CommandResult {
    let cdb = CommandBytes(cdb)
    switch unit.prepare(cdb) {
    case .fails(let sense): return .check(sense)
    case .needs: return unit.execute(cdb, dataOut: dataOut)
    }
  }

  private let write = [UInt8]([0x2A, 0, 0, 0, 0, 1, 0, 0, 1, 0])
  private let block = [UInt8](repeating: 0x5A, count: 512)

  @Test("power loss takes what was not synchronised, FUA excepted")
  func powerCycle() {
    var configuration = SimulatedLogicalUnit.Configuration(blockCount: 100)
    configuration.hasVolatileCache = true
    let unit = SimulatedLogicalUnit(configuration)
    _ = run(unit, write, block)
    #expect(unit.contents(at: 512, count: 512) == block)
    unit.powerCycle()
    #expect(unit.contents(at: 512, count: 512) == [UInt8](repeating: 0, count: 512))

    var forced = write
    forced[1] = 0x08
    forced[5] = 2
    _ = run(unit, write, block)
    _ = run(unit, forced, block)
    unit.powerCycle()
    #expect(unit.contents(at: 512, count: 512) == [UInt8](repeating: 0, count: 512))
    #expect(unit.contents(at: 1024, count: 512) == block)

    _ = run(unit, write, block)
    _ = run(unit, [0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    unit.powerCycle()
    #expect(unit.contents(at: 512, count: 512) == block)
  }

  @Test("UNMAP gives chunks back and GET LBA STATUS tells")
  func unmap() {
    let unit = SimulatedLogicalUnit(.init(blockCount: 1024))
    unit.setContents([UInt8](repeating: 1, count: 3 * 65536), at: 65536)
    #expect(unit.runs(from: 0, limit: 8).map(\.isMapped) == [false, true, false])
    let list: [UInt8] =
      [0, 22, 0, 16, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 129, 0, 0, 0, 0]
    #expect(run(unit, [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], list) == .good)
    #expect(unit.store.allocatedByteCount == 2 * 65536)
    #expect(unit.contents(at: 384 * 512, count: 513) == [UInt8](repeating: 0, count: 512) + [1])
    let status = run(unit, [0x9E, 0x12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0])
    let descriptor: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128, 1, 0, 0, 0]
    #expect(status.data == [0, 0, 0, 20, 0, 0, 0, 0] + descriptor)
  }

  @Test("UNMAP of parts of oddly aligned units leaves them; without LBPRZ blocks read as A5h")
  func obstinateUnmap() {
    var configuration = SimulatedLogicalUnit.Configuration(blockCount: 1024)
    configuration.unmapLeavesParts = true
    configuration.unmapGranularityBlocks = 8
    configuration.unmapAlignmentBlocks = 3
    let unit = SimulatedLogicalUnit(configuration)
    unit.setContents([UInt8](repeating: 1, count: 64 * 512), at: 0)
    // Blocks 2 to 20: whole units are 3 to 10 and 11 to 18.
    let list: [UInt8] =
      [0, 22, 0, 16, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 19, 0, 0, 0, 0]
    #expect(run(unit, [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], list) == .good)
    let firsts = (0..<24).map { unit.contents(at: $0 * 512, count: 1)[0] }
    #expect(firsts == (0..<24).map { (3..<19).contains($0) ? 0 : 1 })

    configuration.unmappedBlocksReadZeros = false
    let garbage = SimulatedLogicalUnit(configuration)
    #expect(garbage.contents(at: 0, count: 2) == [0xA5, 0xA5])
    #expect(run(garbage, [0x93, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]) == .good)
    #expect(garbage.contents(at: 511, count: 2) == [0, 0xA5])
    #expect(run(garbage, [0x12, 1, 0xB2, 0, 64, 0]).data[5] == 0xE0)
    garbage.configuration.unmaps = false
    #expect(
      run(garbage, [0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0], list) == .check(.invalidOperationCode))
  }

  @Test("what is refused, and how")
  func refusals() {
    var configuration = SimulatedLogicalUnit.Configuration(blockCount: 100)
    configuration.isWriteProtected = true
    configuration.isThinProvisioned = false
    configuration.unreadableBlocks = [50..<51]
    let unit = SimulatedLogicalUnit(configuration)
    #expect(run(unit, write, block) == .check(.writeProtected))
    #expect(run(unit, [0x28, 0, 0, 0, 0, 100, 0, 0, 1, 0]) == .check(.addressOutOfRange))
    #expect(
      run(unit, [0x28, 0, 0, 0, 0, 40, 0, 0, 20, 0]) == .check(.unrecoveredReadError(at: 50)))
    #expect(run(unit, [0x42]) == .check(.invalidOperationCode))
    #expect(run(unit, [0xC1]) == .check(.invalidOperationCode))
    #expect(run(unit, [0x1B, 0, 0, 0, 0]) == .good)
    #expect(run(unit, [0x00]) == .check(.stopped))
    for code in UInt8.min...UInt8.max { _ = run(unit, [code]) }
  }

  @Test("sense data in both formats (SPC-5, 4.4)")
  func sense() {
    let sense = SenseData.unrecoveredReadError(at: 0x1234)
    #expect(
      sense.encoded(descriptorFormat: false) == [
        0xF0, 0, 3, 0, 0, 0x12, 0x34, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0,
      ])
    #expect(
      sense.encoded(descriptorFormat: true) == [
        0x72, 3, 0x11, 0, 0, 0, 0, 12, 0, 0x0A, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x34,
      ])
  }
}
