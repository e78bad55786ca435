import FoundationEssentials
import Testing

@testable import iscsifs

@Suite("Status")
struct StatusReportTests {
  @Test("JSON is made of the tree's files; verbs and secrets' files are not opened")
  func report() throws {
    let root = FileManager.default.temporaryDirectory.path + "/status-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    func write(_ path: String, _ text: String) throws {
      let url = URL(filePath: root + "/" + path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: url)
    }
    let target = "targets/iqn.2005-03.org.example:t"
    try write("version", "1\n")
    try write("initiatorname", "iqn.2000-01.x:y\n")
    try write("\(target)/state", "LOGGED_IN\n")
    try write("\(target)/control", "login\n")
    try write("\(target)/sessions/1/isid", "400001370000\n")
    try write("\(target)/sessions/1/connections/0/port", "3260\n")
    try write("\(target)/lun1.info/size", "1048576\n")
    try write("\(target)/lun1.info/vpd/pg80", "\u{0}")
    let entry = MountTable.Entry(mountpoint: root, type: "fuse.iscsifs", source: "h:3260")
    let report = try StatusReport(mount: entry)
    let found = try #require(report.targets.first)
    #expect(report.attributes == ["version": "1", "initiatorname": "iqn.2000-01.x:y"])
    #expect(found.name == "iqn.2005-03.org.example:t")
    #expect(found.attributes == ["state": "LOGGED_IN"])
    #expect(found.sessions.first?.attributes == ["isid": "400001370000"])
    #expect(found.sessions.first?.connections == ["0": ["port": "3260"]])
    #expect(found.luns == ["lun1": ["size": "1048576"]])
    #expect(try StatusReport.encode(report).contains("\"source\" : \"h:3260\""))
  }

  @Test("a directory that is no mount has no report")
  func absent() {
    let entry = MountTable.Entry(mountpoint: "/surely-absent", type: "", source: "")
    #expect(throws: (any Error).self) { try StatusReport(mount: entry) }
  }
}
