import Testing

@testable import Guest

@Suite("A newc archive")
struct NewcArchiveTests {
  /// The fields of the header at `offset`, and the name behind it.
  private static func header(_ bytes: [UInt8], at offset: Int) -> (fields: [Int], name: String) {
    let fields = (0..<13).map { index in
      let start = offset + 6 + index * 8
      return Int(String(decoding: bytes[start..<start + 8], as: UTF8.self), radix: 16) ?? -1
    }
    let name = bytes[(offset + 110)...].prefix { $0 != 0 }
    return (fields, String(decoding: name, as: UTF8.self))
  }

  @Test("of nothing is its trailer alone")
  func empty() {
    let bytes = NewcArchive().finished()
    #expect(bytes.starts(with: Array("070701".utf8)))
    let (fields, name) = Self.header(bytes, at: 0)
    #expect(name == "TRAILER!!!")
    #expect(fields == [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 11, 0])
    #expect(bytes.count == 124)
  }

  @Test("keeps kind, mode, content and a boundary of four bytes")
  func entries() {
    var archive = NewcArchive()
    archive.append("etc", .directory, mode: 0o755)
    archive.append("etc/a", .file, mode: 0o600, content: Array("12345".utf8))
    archive.append("link", .symbolicLink, mode: 0o777, content: Array("etc/a".utf8))
    let bytes = archive.finished()

    let directory = Self.header(bytes, at: 0)
    #expect(directory.name == "etc")
    #expect(directory.fields[1] == 0o040755)
    #expect(directory.fields[4] == 2)
    // 110 bytes of header and "etc\0" end at 114, padded to 116.
    let file = Self.header(bytes, at: 116)
    #expect(file.name == "etc/a")
    #expect(file.fields[0] == 2)
    #expect(file.fields[1] == 0o100600)
    #expect(file.fields[6] == 5)
    // 110 and "etc/a\0" is 116: the content begins at 232 and ends at 237, padded to 240.
    #expect(Array(bytes[232..<237]) == Array("12345".utf8))
    #expect(Array(bytes[237..<240]) == [0, 0, 0])
    let link = Self.header(bytes, at: 240)
    #expect(link.name == "link")
    #expect(link.fields[1] == 0o120777)
    #expect(bytes.count % 4 == 0)
  }
}
