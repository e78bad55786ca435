import FUSE
import Glibc
import ISCSI
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("What is full makes the kernel wait", .timeLimit(.minutes(5)))
struct BackPressureTests {
  @Test("F3.3: commands beyond the window wait, and go when it opens")
  func window() throws {
    let harness = try ReactorHarness()
    for index in 0..<12 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    var tasks: [InitiatorTaskTag] = []
    while let unit = try harness.sent() { tasks.append(unit.header.initiatorTaskTag) }
    #expect(tasks.count == 11)
    harness.sendDataIn(tasks[0], .pattern(512))
    #expect(try harness.command().view.header.cmdSN.rawValue == 61)
  }

  @Test("requests beyond the slots stay in the kernel, and are read when one is free")
  func slots() throws {
    let harness = try ReactorHarness()
    for index in 0..<20 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(harness.isKernelWaiting && harness.busySlots == 16)
    var answered = 0
    while let unit = try harness.sent() {
      harness.sendDataIn(unit.header.initiatorTaskTag, .pattern(512))
      #expect(harness.reply()?.error == 0)
      answered += 1
    }
    #expect(answered == 20)
    #expect(!harness.isKernelWaiting && harness.busySlots == 0)
  }

  @Test("cmds_max holds commands back")
  func commandsMaximum() throws {
    let harness = try ReactorHarness(timeouts: SessionTimeouts(commandsMaximum: 2))
    for index in 0..<3 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    let first = try harness.command().view.header.initiatorTaskTag
    _ = try harness.command()
    #expect(try harness.sent() == nil)
    harness.sendDataIn(first, .pattern(512))
    _ = try harness.command()
  }

  @Test("a write larger than socket and queue leaves whole once the target reads")
  func largeWrites() throws {
    let harness = try ReactorHarness(parameters: .manySegments)
    harness.fillTransmitQueue()
    var bytes: [UInt32: [UInt8]] = [:]
    while let unit = try harness.sent() {
      bytes[unit.header.initiatorTaskTag.rawValue, default: []] += unit.data
    }
    #expect(bytes.count == 10)
    let pattern = [UInt8].pattern(1 << 17)
    #expect(bytes.values.allSatisfy { $0 == pattern })
    #expect(harness.isAllSent)
  }

  @Test("a write that names more bytes than it carries is EIO, never what the page held")
  func shortWrite() throws {
    let harness = try ReactorHarness()
    var body = [UInt8]()
    body.appendNative(1 as UInt64)
    body.appendNative(0 as UInt64)
    body.appendNative(1024 as UInt32)
    body += [UInt8](repeating: 0, count: 20)
    let unique = harness.request(.write, body: body + .pattern(512))
    #expect(harness.reply() == .init(unique: unique, error: -5, payload: []))
    #expect(try harness.sent() == nil)
    let cut = harness.request(.read, body: [1, 2, 3])
    #expect(harness.reply() == .init(unique: cut, error: -5, payload: []))
  }

  @Test("units past the table and of other generations are ESTALE")
  func unknownUnit() throws {
    let harness = try ReactorHarness()
    for unit in [
      LogicalUnitHandle(index: 0xFFFF, generation: 0), LogicalUnitHandle(index: 3, generation: 8),
      LogicalUnitHandle(index: 4, generation: 0),
    ] {
      let unique = harness.request(
        .read, node: unit.nodeID, body: [UInt8](repeating: 0, count: 40))
      #expect(harness.reply() == .init(unique: unique, error: -116, payload: []))
    }
    #expect(harness.busySlots == 0)
  }

  @Test("a cold request that found no room keeps its pages while other slots come back")
  func stalledCold() throws {
    let harness = try ReactorHarness()
    _ = harness.read(offset: 0, size: 512)
    let task = try harness.command().view.header.initiatorTaskTag
    let stalled = harness.stallCold()
    #expect(harness.nextFreeSlot != stalled && harness.isKernelWaiting)
    harness.sendDataIn(task, .pattern(512))
    #expect(harness.reply()?.payload == .pattern(512))
    #expect(!harness.isKernelWaiting && harness.busySlots == 0)
  }

  @Test("an unmount is seen also while the kernel is made to wait")
  func unmountWhileFull() async throws {
    let harness = try ReactorHarness()
    for index in 0..<17 { _ = harness.read(offset: UInt64(index) * 512, size: 512) }
    #expect(harness.isKernelWaiting)
    harness.unmount()
    let isUnmounted = harness.reactor.isUnmounted
    #expect(isUnmounted)
  }
}
