import FUSE
import Glibc
import ISCSI
import LogicalUnit
import SCSI
import Testing
import Wire

@testable import Reactor

@Suite("SEEK_DATA and SEEK_HOLE of a LUN file", .bothChannels, .timeLimit(.minutes(5)))
struct SeekTests {
  static let capacity: UInt64 = 8192 * 512

  /// LSEEK (struct fuse_lseek_in).
  private func seek(
    _ harness: ReactorHarness, _ whence: SeekRequest.Whence, _ offset: UInt64
  ) -> UInt64 {
    var body = [UInt8]()
    body.appendNative(1 as UInt64)
    body.appendNative(offset)
    body.appendNative(whence.rawValue)
    body.appendNative(0 as UInt32)
    return harness.request(.lseek, body: body)
  }

  private func found(_ unique: UInt64, _ offset: UInt64) -> ReactorHarness.Reply {
    var payload = [UInt8]()
    payload.appendNative(offset)
    return .init(unique: unique, error: 0, payload: payload)
  }

  /// Answers GET LBA STATUS from `block` on with runs of blocks.
  private func tell(
    _ harness: ReactorHarness, from block: UInt64, _ runs: [(count: UInt32, status: UInt8)]
  ) throws {
    let command = try harness.command().view
    #expect(command.header.word4 == 0x9E12_0000_0000_0000)
    #expect(command.header.word5 == block << 48 | 504 << 16)
    var first = block
    var list: [UInt8] = []
    for run in runs {
      list.appendBigEndian(first)
      list.appendBigEndian(run.count)
      list += [run.status, 0, 0, 0]
      first += UInt64(run.count)
    }
    var answer: [UInt8] = []
    answer.appendBigEndian(UInt32(list.count + 4))
    answer += [0, 0, 0, 0] + list
    harness.sendDataIn(
      command.header.initiatorTaskTag, answer, residual: .underflow(UInt32(504 - answer.count)))
  }

  @Test("S07 GET LBA STATUS is asked until data or a hole begins")
  func found() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let data = seek(harness, .data, 700)
    try tell(harness, from: 1, [(9, 1), (30, 2)])
    #expect(harness.reply() == nil)
    try tell(harness, from: 40, [(8, 1), (2, 0), (8142, 1)])
    #expect(harness.reply() == found(data, 48 * 512))
    let hole = seek(harness, .hole, 48 * 512 + 3)
    try tell(harness, from: 48, [(2, 0), (8142, 1)])
    #expect(harness.reply() == found(hole, 50 * 512))
    let inside = seek(harness, .hole, 50 * 512 + 3)
    try tell(harness, from: 50, [(8142, 1)])
    #expect(harness.reply() == found(inside, 50 * 512 + 3))
    let none = seek(harness, .data, 50 * 512)
    try tell(harness, from: 50, [(.max, 1)])
    #expect(harness.reply() == .init(unique: none, error: -ENXIO, payload: []))
    #expect(harness.busySlots == 0)
  }

  @Test("S07 without GET LBA STATUS, without LBPRZ, all is data; past the end is ENXIO")
  func all() throws {
    for refuses in [true, false] {
      let harness = try ReactorHarness {
        ReactorHarness.thin(&$0)
        $0.provisioning.readsZeros = refuses
      }
      let hole = seek(harness, .hole, 3)
      if refuses {
        try harness.serve(.serviceActionIn16, .checkCondition, sense: .sense(5, 0x20, 0))
      }
      #expect(harness.reply() == found(hole, Self.capacity))
      let data = seek(harness, .data, 700)
      #expect(harness.reply() == found(data, 700))
      let past = seek(harness, .data, Self.capacity)
      #expect(harness.reply() == .init(unique: past, error: -ENXIO, payload: []))
      let other = seek(harness, .init(rawValue: 0), 0)
      #expect(harness.reply() == .init(unique: other, error: -EINVAL, payload: []))
      #expect(try harness.sent() == nil)
      #expect(harness.busySlots == 0)
    }
  }

  @Test("S07 while somebody may write through a mapping, all is data")
  func writers() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    harness.port.opened(ReactorHarness.unit)
    let hole = seek(harness, .hole, 0)
    #expect(harness.reply() == found(hole, Self.capacity))
    harness.port.closed(ReactorHarness.unit)
    let later = seek(harness, .hole, 0)
    try tell(harness, from: 0, [(8192, 1)])
    #expect(harness.reply() == found(later, 0))
  }

  @Test("S07 a medium error is EIO, not a hole")
  func error() throws {
    let harness = try ReactorHarness { ReactorHarness.thin(&$0) }
    let hole = seek(harness, .hole, 0)
    try harness.serve(.serviceActionIn16, .checkCondition, sense: .sense(3, 0x11, 0))
    #expect(harness.reply() == .init(unique: hole, error: -EIO, payload: []))
  }
}
