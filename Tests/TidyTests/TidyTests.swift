import FoundationEssentials
import Testing

/// The habits a review would ask for, asked by a machine. Every failure names file and line.
@Suite("Tidy")
struct TidyTests {
  private static let maximumColumns = 100
  private static let maximumFunctionLines = 60

  @Test("no line is above 100 columns", arguments: SourceFile.all)
  func columns(file: SourceFile) {
    for (index, line) in file.lines.enumerated() where line.count > Self.maximumColumns {
      Issue.record("\(file.path):\(index + 1): \(line.count) columns")
    }
  }

  @Test("no file is above 400 lines, no test file above 500", arguments: SourceFile.all)
  func fileLength(file: SourceFile) {
    let maximum = file.isTest ? 500 : 400
    if file.lines.count > maximum {
      Issue.record("\(file.path):\(maximum): \(file.lines.count) lines; find the type to move out")
    }
  }

  @Test("no function is above 60 lines", arguments: SourceFile.all.filter { !$0.isTest })
  func functionLength(file: SourceFile) {
    for (number, length) in file.functions where length > Self.maximumFunctionLines {
      Issue.record("\(file.path):\(number): a function of \(length) lines")
    }
  }

  @Test("imports are those Docs/Architecture.md allows", arguments: SourceFile.all)
  func imports(file: SourceFile) throws {
    guard file.path.hasPrefix("Sources/") else { return }
    guard let row = try ModuleTable()[file.module] else {
      Issue.record("\(file.path):1: \(file.module) has no row in Docs/Architecture.md")
      return
    }
    for (number, module) in file.imports where !row.mayImport.contains(module) {
      Issue.record(
        "\(file.path):\(number): \(file.module) may not import \(module) (Docs/Architecture.md)")
    }
  }

  @Test("every module has a row, and its row names tests that are there")
  func modules() throws {
    let table = try ModuleTable()
    let files = FileManager.default
    let sources = try files.contentsOfDirectory(atPath: SourceFile.root + "/Sources")
    for module in sources where table[module] == nil {
      Issue.record("Docs/Architecture.md:1: no row for \(module)")
    }
    for row in table.rows {
      #expect(sources.contains(row.module), "Docs/Architecture.md:1: no module \(row.module)")
      #expect(!row.tests.isEmpty, "Docs/Architecture.md:1: \(row.module) names no tests")
    }
  }

  @Test("no traps on outside data, no unchecked builds", arguments: SourceFile.all)
  func forbidden(file: SourceFile) {
    guard file.module != "TidyTests" else { return }
    for (number, text) in file.code {
      for word in ["try!", "as!", "unowned(unsafe)"] where text.contains(word) {
        Issue.record("\(file.path):\(number): \(word)")
      }
    }
    for (index, line) in file.lines.enumerated() where line.contains("-Ounchecked") {
      Issue.record("\(file.path):\(index + 1): -Ounchecked takes every precondition away")
    }
  }

  @Test("what is left to do has an owner: TODO(name)", arguments: SourceFile.all)
  func owners(file: SourceFile) {
    guard file.module != "TidyTests" else { return }
    for (index, line) in file.lines.enumerated() {
      for word in ["TODO", "FIXME"] where line.contains(word) && !line.contains(word + "(") {
        Issue.record("\(file.path):\(index + 1): \(word) without an owner")
      }
    }
  }

  /// Modules whose duty is memory the compiler cannot see: kernel buffers and wire bytes.
  private static let unsafeModules: Set<String> = ["Wire", "LinuxIO", "FUSE", "Reactor"]

  /// Single files elsewhere, each with the reason.
  private static let unsafeFiles = [
    "Sources/ISCSI/PDU/PDUAssembler.swift": "lends the kernel the bytes it frames",
    "Sources/Records/Files/TextFile.swift": "read(2) into an array",
    "Sources/Records/Files/TextFile+Directories.swift": "rename(2) has no Swift name",
    "Sources/iscsifs/Mountpoint/Mountpoint.swift": "realpath(3), umount2(2)",
    "Sources/iscsifs/Start/BackgroundStart.swift": "poll(2), read(2) into an array",
    "Sources/iscsifs/Start/ChildProcess.swift": "posix_spawn(3) takes C strings",
  ]

  @Test(
    "unsafe code stays in its few places", arguments: SourceFile.all.filter { !$0.isTest })
  func unsafeCode(file: SourceFile) {
    guard !Self.unsafeModules.contains(file.module), Self.unsafeFiles[file.path] == nil else {
      return
    }
    for (number, text) in file.code {
      let words = text.split { !$0.isLetter && $0 != "_" && $0 != "@" }
      if words.contains("unsafe") {
        Issue.record("\(file.path):\(number): unsafe code; give the file a reason in TidyTests")
      }
    }
  }
}
