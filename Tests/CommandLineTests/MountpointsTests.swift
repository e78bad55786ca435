import ArgumentParser
import FoundationEssentials
import Records
import Testing

@testable import iscsifs

/// The files people copy must work as they are.
@Suite("Mountpoints/")
struct MountpointsTests {
  private static let directory = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Mountpoints")

  private func text(_ name: String) throws -> String {
    try String(contentsOf: Self.directory.appending(path: name), encoding: .utf8)
  }

  /// UPDATE_SAMPLE=1 writes the file anew from the table of keys.
  @Test("iscsifs.conf is the table of keys with their defaults")
  func sample() throws {
    if ProcessInfo.processInfo.environment["UPDATE_SAMPLE"] != nil {
      try Data(Configuration.sample.utf8)
        .write(to: Self.directory.appending(path: "iscsifs.conf"))
    }
    #expect(try text("iscsifs.conf") == Configuration.sample)
  }

  @Test("uncommented, every line of iscsifs.conf sets what is the default anyway")
  func defaults() throws {
    let lines = try text("iscsifs.conf").split(separator: "\n")
      .filter { $0.hasPrefix("#") && !$0.hasPrefix("# ") && $0.count > 1 && !$0.hasSuffix("=") }
      .map { $0.dropFirst() }
    var configuration = Configuration()
    try configuration.apply(
      ConfigurationText.settings(
        in: lines.joined(separator: "\n"), path: "iscsifs.conf", objectionToSecrets: nil))
    #expect(configuration == Configuration())
    #expect(lines.count > 30)
  }

  @Test("every line of fstab.example mounts")
  func fstab() throws {
    let lines = try text("fstab.example").split(separator: "\n").filter { !$0.hasPrefix("#") }
    #expect(!lines.isEmpty)
    for line in lines {
      let fields = line.split(separator: " ")
      try #require(fields.count == 6)
      #expect(fields[2] == "iscsifs")
      _ = try MountSource(parsing: String(fields[0]))
      var configuration = Configuration()
      try configuration.apply(MountOptions(parsing: [String(fields[3])]).settings)
      try configuration.validate()
    }
  }

  @Test("the mount unit says what mount.iscsifs takes")
  func mountUnit() throws {
    let values = Dictionary(
      try text("systemd/mnt-san.mount").split(separator: "\n").compactMap { line in
        line.firstIndex(of: "=").map {
          (String(line[..<$0]), String(line[line.index(after: $0)...]))
        }
      }, uniquingKeysWith: { $1 })
    #expect(values["Type"] == "iscsifs" && values["Where"] == "/mnt/san")
    _ = try MountSource(parsing: #require(values["What"]))
    _ = try MountOptions(parsing: [#require(values["Options"])])
  }

  @Test("the service starts a command that parses, and hides its mount from nobody")
  func service() throws {
    let text = try text("systemd/iscsifs@.service")
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
    let words = line.split(separator: " ").dropFirst().map(String.init)
    #expect(try ISCSIFS.parseAsRoot(words) is MountCommand)
    for hiding in ["ProtectSystem", "ProtectHome", "PrivateTmp", "PrivateMounts", "PrivateDevices"]
    {
      #expect(!text.contains("\n\(hiding)="))
    }
  }

  @Test(
    "systemd finds nothing to complain about",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze")))
  func verify() throws {
    let scratch = FileManager.default.temporaryDirectory.path + "/units-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    // The instance and the command that verify looks for on this machine.
    let names = [
      ("iscsifs@.service", "iscsifs@mnt-san.service"), ("mnt-san.mount", "mnt-san.mount"),
      ("mnt-san.automount", "mnt-san.automount"),
    ]
    var paths: [String] = []
    for (name, instance) in names {
      let unit = try text("systemd/" + name)
        .split(separator: "/usr/local/bin/iscsifs").joined(separator: "/bin/true")
      paths.append("\(scratch)/\(instance)")
      try Data(unit.utf8).write(to: URL(filePath: paths[paths.count - 1]))
    }
    #expect(try ChildProcess.run("systemd-analyze", ["verify", "--man=no"] + paths))
  }
}
