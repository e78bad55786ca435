import FoundationEssentials
import SystemPackage
import Testing

@testable import iscsifs

@Suite("Read-ahead")
struct ReadAheadTests {
  /// Calls `body` with a directory as sysfs has one a device, and returns the figure afterwards.
  private func withDevice(_ figure: String, _ body: (String) throws -> Void) throws -> String {
    let root = FileManager.default.temporaryDirectory.path + "/bdi-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    try FileManager.default.createDirectory(
      atPath: root + "/0:43", withIntermediateDirectories: true)
    let file = URL(filePath: root + "/0:43/read_ahead_kb")
    try Data(figure.utf8).write(to: file)
    try body(root)
    return try String(contentsOf: file, encoding: .utf8)
  }

  @Test("the kernel's 128 KiB become one READ of the largest size")
  func raises() throws {
    let written = try withDevice("128\n") { root in
      let figure = try ReadAhead.raise(device: "0:43", in: root)
      #expect(figure == 1024)
    }
    #expect(Int(written.prefix { $0.isNumber }) == 1024)
  }

  @Test("what an administrator has raised further stays")
  func keepsLarger() throws {
    let written = try withDevice("4096\n") { root in
      let figure = try ReadAhead.raise(device: "0:43", in: root)
      #expect(figure == 4096)
    }
    #expect(written == "4096\n")
  }

  @Test("a device without such a file, and a file that cannot be written, are errors to tell")
  func refused() throws {
    let written = try withDevice("128\n") { root in
      #expect(throws: Errno.noSuchFileOrDirectory) {
        try ReadAhead.raise(device: "0:44", in: root)
      }
    }
    #expect(written == "128\n")
  }
}
