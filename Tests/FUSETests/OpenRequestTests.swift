import SystemPackage
import Testing

@testable import FUSE

/// OPEN, decoded and answered without libfuse.
struct OpenRequestTests {
  @Test("An OPEN request is read")
  func reads() throws {
    let bytes = RequestBytes.open(unique: 0x1122, node: 1 << 48 | 3, flags: 0o100002)
    let request = try #require(unsafe OpenRequest(parsing: bytes.span.bytes))
    #expect(request.unique == 0x1122)
    #expect(request.node == NodeNumber(rawValue: 1 << 48 | 3))
    #expect(request.flags.reads && request.flags.writes)
  }

  @Test("A cut OPEN and other requests are none")
  func refuses() {
    let cut = [UInt8](RequestBytes.open(unique: 1, node: 1, flags: 0).prefix(47))
    #expect(unsafe OpenRequest(parsing: cut.span.bytes) == nil)
    let other = RequestBytes.request(opcode: 3, unique: 1, node: 1, body: [0, 0, 0, 0, 0, 0, 0, 0])
    #expect(unsafe OpenRequest(parsing: other.span.bytes) == nil)
  }

  @Test(
    "Access modes are told apart",
    arguments: [(0, true, false), (1, false, true), (2, true, true)] as [(UInt32, Bool, Bool)])
  func modes(flags: UInt32, reads: Bool, writes: Bool) {
    #expect(OpenFlags(rawValue: flags).reads == reads)
    #expect(OpenFlags(rawValue: flags).writes == writes)
  }

  @Test("An answer carries every flag the kernel knows")
  func answers() {
    let opened = OpenedFile(
      number: OpenFileNumber(rawValue: 0x0102), options: [.direct, .parallelDirectWrites])
    #expect(
      RawReply.bytes(unique: 9, opened: opened) == [
        32, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0,
        0x02, 0x01, 0, 0, 0, 0, 0, 0, 0x41, 0, 0, 0, 0, 0, 0, 0,
      ])
    #expect(
      RawReply.bytes(unique: 9, error: .noSuchFileOrDirectory)
        == [16, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 9, 0, 0, 0, 0, 0, 0, 0])
  }
}
