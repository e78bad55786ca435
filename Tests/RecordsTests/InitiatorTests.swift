import FoundationEssentials
import Glibc
import Testing

@testable import Records

@Suite("Initiator names and files")
struct InitiatorTests {
  /// A directory that goes with the test.
  private final class Scratch {
    let path = FileManager.default.temporaryDirectory.path + "/records-\(UUID().uuidString)"
    init() throws {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    func write(_ name: String, _ text: String, permissions: Int = 0o600) throws -> String {
      let file = path + "/" + name
      try Data(text.utf8).write(to: URL(filePath: file))
      try FileManager.default.setAttributes([.posixPermissions: permissions], ofItemAtPath: file)
      return file
    }
    deinit { try? FileManager.default.removeItem(atPath: path) }
  }

  @Test("iqn., eui. and naa. names, in lower case; nothing else (RFC 3722)")
  func names() {
    #expect(
      InitiatorName("iqn.1993-08.org.DEBIAN:01:ab")?.rawValue == "iqn.1993-08.org.debian:01:ab")
    #expect(InitiatorName("eui.02004567A425678D") != nil)
    for bad in ["", "iqn.", "host", "iqn.a/b", "iqn.a b", "iqn.ä", "iqn.a_b", "iqn.\u{1B}[2J"] {
      #expect(InitiatorName(bad) == nil)
    }
    #expect(InitiatorName("iqn." + String(repeating: "a", count: 219)) != nil)
    #expect(InitiatorName("iqn." + String(repeating: "a", count: 220)) == nil)
  }

  @Test("a generated name is stable for machine and user, and tells neither")
  func generated() throws {
    let name = try #require(InitiatorName.generated(machineID: "0123456789abcdef", userID: 0))
    #expect(name.rawValue.hasPrefix("iqn.2026-11.org.iscsifs:"))
    #expect(name.rawValue.count == "iqn.2026-11.org.iscsifs:".count + 12)
    #expect(name == InitiatorName.generated(machineID: "0123456789abcdef", userID: 0))
    #expect(name != InitiatorName.generated(machineID: "0123456789abcdef", userID: 1000))
    #expect(name != InitiatorName.generated(machineID: "0123456789abcdee", userID: 0))
  }

  @Test("configuration, open-iscsi's file, machine id, kept random name: in this order")
  func order() throws {
    let scratch = try Scratch()
    var files = InitiatorIdentity.Files(stateDirectory: scratch.path + "/state/deep")
    files.openISCSI = scratch.path + "/absent"
    files.machineID = scratch.path + "/absent"
    func resolve(_ configuration: Configuration = Configuration()) throws -> InitiatorIdentity {
      try InitiatorIdentity.resolve(configuration, files: files, userID: 7)
    }
    let random = try resolve()
    #expect(random.origin.hasSuffix("/state/deep/initiatorname.iscsi"))
    #expect(try resolve() == random)

    files.machineID = try scratch.write("machine-id", "0123456789abcdef\n")
    #expect(try resolve().name == InitiatorName.generated(machineID: "0123456789abcdef", userID: 7))

    files.openISCSI = try scratch.write("open", "## none yet\nGenerateName=yes\n")
    #expect(try resolve().origin == files.machineID)
    files.openISCSI = try scratch.write(
      "open", "## DO NOT EDIT\nInitiatorName=iqn.1993-08.org.debian:01:ab\nInitiatorAlias=a b\n")
    let found = try resolve()
    #expect(found.name.rawValue == "iqn.1993-08.org.debian:01:ab" && found.alias == "a b")

    var configuration = Configuration()
    configuration.initiatorName = InitiatorName("iqn.2000-01.x:y")
    #expect(try resolve(configuration).origin == "configuration")
  }

  @Test("a configuration file is regular, no link, and protected when it holds a secret")
  func files() throws {
    let scratch = try Scratch()
    func sentence(_ path: String) -> String? {
      do throws(ConfigurationError) {
        var configuration = Configuration()
        let settings = try ConfigurationFile.settings(path: path, userID: getuid())
        try configuration.apply(settings)
        return nil
      } catch { return error.description }
    }
    let secret = "node.session.auth.password = 0123456789ab\n"
    #expect(sentence(try scratch.write("a", secret)) == nil)
    #expect(sentence(try scratch.write("a", secret, permissions: 0o400)) == nil)
    let open = try scratch.write("b", secret, permissions: 0o640)
    #expect(sentence(open)?.contains("chmod 600 \(open)") == true)
    #expect(sentence(try scratch.write("c", "node.tpgt = 2\n", permissions: 0o644)) == nil)

    let link = scratch.path + "/link"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: open)
    #expect(sentence(link) == "\(link): this is a symbolic link; name the file itself")
    #expect(sentence(scratch.path) == "\(scratch.path): this is not a regular file")
    #expect(sentence("/dev/zero") == "/dev/zero: this is not a regular file")
    #expect(sentence(scratch.path + "/no")?.hasSuffix("there is no such file") == true)
  }
}
