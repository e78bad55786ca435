import Testing

@testable import FUSE

/// INIT, byte for byte (linux/fuse.h, struct fuse_init_in and fuse_init_out).
struct InitAnswerTests {
  private static let everything = UInt64.max

  private func request(_ bytes: [UInt8]) throws -> InitRequest {
    try #require(unsafe InitRequest(parsing: bytes.span.bytes))
  }

  @Test("An INIT request is read with both words of flags")
  func readsBothWords() throws {
    let request = try request(RequestBytes.initialize(flags: 1 << 30 | 1 << 36 | 1))
    #expect(request.unique == 2)
    #expect(request.maximumReadAheadBytes == 131_072)
    #expect(request.offered == [.extended, .directAllowsMapping, .asyncRead])
  }

  @Test("The second word does not count without FUSE_INIT_EXT, or when it did not come")
  func ignoresSecondWord() throws {
    #expect(try request(RequestBytes.initialize(flags: 1 << 36 | 1)).offered == [.asyncRead])
    let short = RequestBytes.initialize(flags: 1 << 30 | 1, secondWord: false)
    #expect(try request(short).offered == [.extended, .asyncRead])
  }

  @Test("Other requests and cut ones are no INIT")
  func refusesOthers() {
    let open = RequestBytes.open(unique: 1, node: 1, flags: 0)
    #expect(unsafe InitRequest(parsing: open.span.bytes) == nil)
    let cut = [UInt8](RequestBytes.initialize(flags: 0).prefix(55))
    #expect(unsafe InitRequest(parsing: cut.span.bytes) == nil)
  }

  @Test("Of everything offered exactly what serves us is taken")
  func takesWhatServes() throws {
    let request = try request(RequestBytes.initialize(flags: Self.everything))
    let read = InitAnswer(to: request, cacheMode: .read)
    // ASYNC_READ, ATOMIC_O_TRUNC, BIG_WRITES, ASYNC_DIO, PARALLEL_DIROPS, MAX_PAGES,
    // EXPLICIT_INVAL_DATA, INIT_EXT; DIRECT_IO_ALLOW_MMAP in the second word.
    #expect(read.flags.rawValue == 0x10_4244_8029)
    let writeback = InitAnswer(to: request, cacheMode: .writeback)
    // WRITEBACK_CACHE besides, and no ATOMIC_O_TRUNC.
    #expect(writeback.flags.rawValue == 0x10_4245_8021)
    #expect(InitAnswer(to: request, cacheMode: .none).flags == read.flags)
  }

  @Test("Nothing is claimed that was not offered")
  func claimsOnlyOffered() throws {
    let request = try request(RequestBytes.initialize(flags: 1 << 0 | 1 << 22))
    #expect(InitAnswer(to: request, cacheMode: .writeback).flags == [.asyncRead, .maximumPages])
  }

  @Test("libfuse's reply keeps its header and version and gets our numbers")
  func patches() throws {
    let request = try request(RequestBytes.initialize(flags: Self.everything))
    var reply: [UInt8] = RequestBytes.little(UInt32(80)) + [0, 0, 0, 0]
    reply += RequestBytes.little(UInt64(2))
    reply += [7, 0, 0, 0, 38, 0, 0, 0] + [UInt8](repeating: 0xEE, count: 56)
    #expect(InitAnswer(to: request, cacheMode: .read).patch(reply: &reply))
    #expect(
      reply == [
        80, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,  // header
        7, 0, 0, 0, 38, 0, 0, 0,  // version
        0x00, 0x00, 0x10, 0x00,  // max_readahead: 1 MiB
        0x29, 0x80, 0x44, 0x42,  // flags
        128, 0, 96, 0,  // max_background, congestion_threshold
        0x00, 0x00, 0x10, 0x00,  // max_write: 1 MiB
        1, 0, 0, 0,  // time_gran
        0, 1, 0, 0,  // max_pages: 256; map_alignment
        0x10, 0, 0, 0,  // flags2
      ] + [UInt8](repeating: 0xEE, count: 28))
  }

  @Test("An error reply and a short one stay as they are")
  func leavesOthers() throws {
    let answer = InitAnswer(
      to: try request(RequestBytes.initialize(flags: Self.everything)), cacheMode: .read)
    var error = RequestBytes.little(UInt32(16)) + [0xA3, 0xFF, 0xFF, 0xFF]
    error += RequestBytes.little(UInt64(2))
    let before = error
    #expect(!answer.patch(reply: &error))
    #expect(error == before)
  }
}
