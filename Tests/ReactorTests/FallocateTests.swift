import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

extension ReactorHarness {
  /// FALLOCATE of the unit's file (struct fuse_fallocate_in).
  func fallocate(
    _ mode: FallocateRequest.Mode, offset: UInt64, length: UInt64
  ) -> UInt64 {
    var body = [UInt8]()
    body.appendNative(1 as UInt64)
    body.appendNative(offset)
    body.appendNative(length)
    body.appendNative(mode.rawValue)
    body.appendNative(0 as UInt32)
    return request(.fallocate, body: body)
  }

  func punch(_ offset: UInt64, _ length: UInt64) -> UInt64 {
    fallocate([.punchHole, .keepSize], offset: offset, length: length)
  }

  /// A unit that gives blocks back by WRITE SAME, or else by UNMAP alone.
  static func thin(
    byWriteSame: Bool = true, _ registration: inout LogicalUnitRegistration
  ) {
    registration.provisioning.isFull = false
    registration.provisioning.readsZeros = true
    registration.provisioning.unmapsByWriteSame = byWriteSame
    registration.provisioning.unmaps = true
    registration.provisioning.maximumUnmapBlocks = 1 << 20
    registration.provisioning.tellsStatus = true
  }

  /// The target takes the next command, and answers it.
  @discardableResult
  func serve(
    _ operation: OperationCode, _ status: SCSIStatus = .good, sense: [UInt8] = []
  ) throws -> (view: SCSICommand, unit: ProtocolDataUnit) {
    let command = try self.command()
    #expect(command.view.header.word4 >> 56 == UInt64(operation.rawValue))
    sendResponse(command.view.header.initiatorTaskTag, status, sense: sense)
    return command
  }

  func expectDone(_ unique: UInt64, error: Int32 = 0) throws {
    #expect(reply() == .init(unique: unique, error: error, payload: []))
    #expect(busySlots == 0)
    #expect(try sent() == nil)
  }
}

@Suite("fallocate of a LUN file", .bothChannels, .timeLimit(.minutes(5)))
struct FallocateTests {
  static let invalidCode = [UInt8].sense(5, 0x20, 0)
  static let invalidField = [UInt8].sense(5, 0x24, 0)

  @Test("S07 a hole is WRITE SAME(16) with UNMAP of one block of zeros, edges are patched")
  func punch() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let unique = harness.punch(500, 8 * 512)
    let middle = try harness.serve(.writeSame16)
    #expect(middle.view.header.word4 == 0x9308_0000_0000_0000)
    #expect(middle.view.header.word5 == 0x0001_0000_0007_0000)
    #expect(middle.view.expectedDataTransferLength == 512 && middle.view.isWrite)
    #expect(middle.unit.data == [UInt8](repeating: 0, count: 512))
    let head = try harness.command().view
    #expect(head.isRead && head.header.word5 == 0x0000_0000_0001_0000)
    let block = [UInt8].pattern(512)
    harness.sendDataIn(head.header.initiatorTaskTag, block)
    let patched = try harness.serve(.write16)
    #expect(patched.unit.data == block[..<500] + [UInt8](repeating: 0, count: 12))
    let tail = try harness.command().view
    #expect(tail.header.word5 == 0x0008_0000_0001_0000)
    harness.sendDataIn(tail.header.initiatorTaskTag, block)
    let patchedTail = try harness.serve(.write16)
    #expect(patchedTail.unit.data == [UInt8](repeating: 0, count: 500) + block[500...])
    try harness.expectDone(unique)
  }

  @Test("S07 with UNMAP alone its list is sent, and what GET LBA STATUS calls mapped is zeroed")
  func unmap() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(byWriteSame: false, &$0) }
    let unique = harness.punch(512, 16 * 512)
    let unmap = try harness.serve(.unmap)
    #expect(unmap.view.header.word4 == 0x4200_0000_0000_0000)
    #expect(unmap.view.header.word5 == 0x1800_0000_0000_0000)
    #expect(
      unmap.unit.data == UnmapParameterList.bytes([(first: LogicalBlockAddress(1), count: 16)]))
    let status = try harness.command().view
    #expect(status.header.word4 == 0x9E12_0000_0000_0000)
    #expect(status.isRead && status.expectedDataTransferLength == 504)
    let answer: [UInt8] =
      [0, 0, 0, 52, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 4, 1, 0, 0, 0]
      + [0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 0]
      + [0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 99, 2, 0, 0, 0]
    harness.sendDataIn(
      status.header.initiatorTaskTag, answer, residual: .underflow(UInt32(504 - answer.count)))
    let zeroed = try harness.serve(.writeSame16)
    #expect(zeroed.view.header.word4 == 0x9300_0000_0000_0000)
    #expect(zeroed.view.header.word5 == 0x0005_0000_0002_0000)
    let rest = try harness.command().view
    #expect(rest.header.word5 >> 48 == 7)
    harness.sendDataIn(
      rest.header.initiatorTaskTag, [0, 0, 0, 20] + answer[4..<8] + answer[40...],
      residual: .underflow(480))
    try harness.expectDone(unique)
  }

  @Test("What fails on the way is told: pages the kernel has of the file may be old")
  func unknownContents() async throws {
    for isDone in [true, false] {
      let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
      let unique = harness.punch(0, 4 * 512)
      try harness.serve(
        .writeSame16, isDone ? .good : .checkCondition, sense: isDone ? [] : .sense(3, 0x0C, 0))
      try harness.expectDone(unique, error: isDone ? 0 : -EIO)
      #expect(await harness.events().contains(.contentsUnknown(ReactorHarness.unit)) != isDone)
    }
  }

  @Test("S07 a refused command is not tried again for the unit: another way is found")
  func refusals() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let unique = harness.punch(0, 4 * 512)
    try harness.serve(.writeSame16, .checkCondition, sense: Self.invalidField)
    try harness.serve(.unmap, .checkCondition, sense: Self.invalidCode)
    try harness.expectDone(unique, error: -EOPNOTSUPP)
    try harness.expectDone(harness.punch(512, 512), error: -EOPNOTSUPP)
    let zero = harness.fallocate([.zeroRange, .keepSize], offset: 0, length: 4 * 512)
    let zeros = try harness.serve(.writeSame16, .checkCondition, sense: Self.invalidCode)
    #expect(zeros.view.header.word4 == 0x9300_0000_0000_0000)
    let write = try harness.serve(.write16)
    #expect(write.unit.data == [UInt8](repeating: 0, count: 4 * 512))
    try harness.expectDone(zero)
    // Exposed anew with what it told before: what it refused stays refused.
    try harness.expose(lastBlock: 8191)
    try harness.expectDone(harness.punch(512, 512), error: -EOPNOTSUPP)
    let again = harness.fallocate([.zeroRange], offset: 512, length: 512)
    #expect(try harness.serve(.write16).view.header.word5 == 0x0001_0000_0001_0000)
    try harness.expectDone(again)
  }

  @Test("S07 a unit that promises no zeros is asked nothing: a hole in it is EOPNOTSUPP")
  func noPromise() throws {
    let full = try ReactorHarness()
    try full.expectDone(full.punch(0, 512), error: -EOPNOTSUPP)
    let thin = try ReactorHarness {
      ReactorHarness.thin(&$0)
      $0.provisioning.readsZeros = false
    }
    try thin.expectDone(thin.punch(0, 512), error: -EOPNOTSUPP)
  }

  @Test("S07 zeros are written in pieces of a transfer, all of them zeros")
  func plainZeros() throws {
    let harness = try ReactorHarness {
      $0.provisioning.writesSame = false
    }
    let unique = harness.fallocate([.zeroRange], offset: 0, length: 3 << 20)
    for piece in 0..<3 {
      let command = try harness.command()
      #expect(command.view.header.word5 >> 48 == UInt64(piece) << 11)
      #expect(command.view.expectedDataTransferLength == 1 << 20)
      #expect(command.unit.data.allSatisfy { $0 == 0 })
      try takeZeros(harness, command)
    }
    try harness.expectDone(unique)
  }

  /// The target asks for the rest of a WRITE of 1 MiB and answers it.
  private func takeZeros(
    _ harness: ReactorHarness, _ command: (view: SCSICommand, unit: ProtocolDataUnit)
  ) throws {
    let task = command.view.header.initiatorTaskTag
    var count = command.unit.data.count
    var r2tSN: UInt32 = 0
    while count < 1 << 20 {
      let end = count + min(65_536, 1 << 20 - count)
      harness.sendR2T(
        task, transferTag: 7, r2tSN: r2tSN, offset: UInt32(count), length: UInt32(end - count))
      r2tSN += 1
      while count < end {
        let data = try #require(try harness.sent()).data
        #expect(!data.isEmpty && data.allSatisfy { $0 == 0 })
        count += data.count
      }
    }
    harness.sendResponse(task)
  }

  @Test("S07 says yes to what is true, EOPNOTSUPP and ENOSPC to what is not")
  func modes() throws {
    let capacity: UInt64 = 8192 * 512
    let full = try ReactorHarness()
    try full.expectDone(full.fallocate([], offset: 0, length: capacity))
    try full.expectDone(full.fallocate([.keepSize], offset: 512, length: 1))
    let thin = try ReactorHarness { ReactorHarness.thin(&$0) }
    try thin.expectDone(thin.fallocate([], offset: 0, length: 512), error: -EOPNOTSUPP)
    for mode: FallocateRequest.Mode in [[], [.keepSize], [.zeroRange], [.zeroRange, .keepSize]] {
      try full.expectDone(full.fallocate(mode, offset: capacity, length: 1), error: -ENOSPC)
      try full.expectDone(full.fallocate(mode, offset: 0, length: capacity + 1), error: -ENOSPC)
      try full.expectDone(full.fallocate(mode, offset: .max, length: .max), error: -ENOSPC)
    }
    // COLLAPSE_RANGE, INSERT_RANGE, UNSHARE_RANGE, NO_HIDE_STALE, and holes that cut the size.
    for mode: UInt32 in [0x08, 0x20, 0x40, 0x04, 0x02, 0x12, 0x13, 0x8000_0001] {
      let unique = thin.fallocate(.init(rawValue: mode), offset: 0, length: 512)
      try thin.expectDone(unique, error: -EOPNOTSUPP)
    }
    try thin.expectDone(thin.punch(0, 0), error: -EINVAL)
    try thin.expectDone(thin.punch(capacity, 512))
    let across = thin.punch(capacity - 512, .max)
    #expect(try thin.serve(.writeSame16).view.header.word5 == 0x1FFF_0000_0001_0000)
    try thin.expectDone(across)
    let protected = try ReactorHarness { $0.isWriteProtected = true }
    try protected.expectDone(protected.punch(0, 512), error: -EROFS)
  }

  @Test("S07 overlapping writes wait for it and it for them; others do not")
  func order() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let early = harness.write(offset: 512, .pattern(512))
    let earlyTask = try harness.command().view.header.initiatorTaskTag
    let punch = harness.punch(0, 4 * 512)
    let late = harness.write(offset: 1024, .pattern(512))
    let other = harness.write(offset: 4096, .pattern(512))
    try harness.serve(.write16)
    #expect(harness.reply()?.unique == other)
    #expect(try harness.sent() == nil)
    harness.sendResponse(earlyTask)
    #expect(harness.reply()?.unique == early)
    try harness.serve(.writeSame16)
    #expect(harness.reply() == .init(unique: punch, error: 0, payload: []))
    let write = try harness.serve(.write16)
    #expect(write.unit.data == .pattern(512))
    #expect(harness.reply()?.unique == late)
  }

  @Test("S07 fsync after it is SYNCHRONIZE CACHE")
  func durability() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let punch = harness.punch(0, 512)
    try harness.serve(.writeSame16)
    try harness.expectDone(punch)
    let fsync = harness.request(.fsync)
    try harness.serve(.synchronizeCache16)
    try harness.expectDone(fsync)
  }

  @Test("S07 goes on where it was when the session comes back, with the same bytes")
  func recovery() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let punch = harness.punch(10, 4 * 512)
    let whole = try harness.command()
    try harness.closeTarget()
    #expect(harness.reply() == nil)
    try harness.reconnect()
    #expect(try harness.serve(.writeSame16).unit.data == whole.unit.data)
    let head = try harness.command().view
    harness.sendDataIn(head.header.initiatorTaskTag, .pattern(512))
    let before = try harness.command()
    try harness.closeTarget()
    try harness.reconnect()
    let again = try harness.serve(.write16)
    #expect(again.unit.data == before.unit.data)
    let tail = try harness.command().view
    harness.sendDataIn(tail.header.initiatorTaskTag, .pattern(512))
    try harness.serve(.write16)
    try harness.expectDone(punch)
  }

  @Test("S07 errors of the medium, of space and of protection come through")
  func errors() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let errors: [([UInt8], Int32)] = [
      (.sense(3, 0x03, 0), -EIO), (.sense(7, 0x27, 7), -ENOSPC), (.sense(7, 0x27, 0), -EROFS),
      (.sense(5, 0x21, 0), -EIO),
    ]
    for (sense, error) in errors {
      let unique = harness.punch(0, 512)
      try harness.serve(.writeSame16, .checkCondition, sense: sense)
      try harness.expectDone(unique, error: error)
    }
    let attention = harness.punch(0, 512)
    try harness.serve(.writeSame16, .checkCondition, sense: .sense(6, 0x29, 0))
    try harness.serve(.writeSame16)
    try harness.expectDone(attention)
  }

  @Test("S07 one of many commands may take longer than a lost path; one that hangs may not")
  func patience() throws {
    var timeouts = SessionTimeouts()
    timeouts.pingIntervalMilliseconds = 0
    timeouts.replacementMilliseconds = 40_000
    let harness = try ReactorHarness(timeouts: timeouts) { $0.provisioning.writesSame = false }
    let unique = harness.fallocate([.zeroRange], offset: 0, length: 8192 * 512)
    for _ in 0..<4 {
      let command = try harness.command()
      harness.advance(milliseconds: 29_000)
      #expect(harness.sessionState == .up)
      try takeZeros(harness, command)
    }
    try harness.expectDone(unique)
    let hanging = harness.fallocate([.zeroRange], offset: 0, length: 512)
    _ = try harness.command()
    harness.advance(milliseconds: 30_000)
    #expect(harness.reply() == nil)
    harness.advance(milliseconds: 10_000)
    #expect(harness.reply() == .init(unique: hanging, error: -EIO, payload: []))
  }

  @Test("S07 an interrupted caller gets EINTR after a second, and nothing further is sent")
  func interrupted() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let unique = harness.punch(10, 4 * 512)
    try harness.serve(.writeSame16)
    let head = try harness.command().view.header.initiatorTaskTag
    harness.giveUp(unique)
    // The range is free when the target has answered.
    let write = harness.write(offset: 0, .pattern(512))
    #expect(try harness.sent() == nil)
    harness.sendDataIn(head, .pattern(512))
    try harness.serve(.write16)
    try harness.expectDone(write, payload: .accepted(512))
  }
}

extension ReactorHarness {
  fileprivate func expectDone(_ unique: UInt64, payload: [UInt8]) throws {
    #expect(reply() == .init(unique: unique, error: 0, payload: payload))
    #expect(busySlots == 0)
  }
}
