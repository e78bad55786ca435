import Testing

@testable import iscsifs

@Suite("mount.iscsifs")
struct MountHelperTests {
  @Test(
    "mount(8)'s arguments become those of iscsifs mount",
    arguments: [
      (["h", "/m"], ["mount", "--", "h", "/m"]),
      (["h", "/m", "-o", "rw,_netdev"], ["mount", "-o", "rw,_netdev", "--", "h", "/m"]),
      (
        ["h", "/m", "-sfnv", "-o", "ro"],
        ["mount", "--sloppy", "--fake", "--verbose", "-o", "ro", "--", "h", "/m"]
      ),
      (["-t", "iscsifs", "h", "/m", "-n"], ["mount", "--", "h", "/m"]),
      (["--version"], ["--version"]),
    ])
  func translates(given: [String], expected: [String]) throws {
    #expect(try MountHelper.arguments(from: given) == expected)
  }

  @Test("what a helper is never given is refused", arguments: [["h"], ["h", "/m", "-x"], ["-o"]])
  func refuses(given: [String]) {
    #expect(throws: CommandFailure.self) { try MountHelper.arguments(from: given) }
  }

  @Test("its exit status is what mount(8) understands")
  func status() {
    #expect(ExitStatus.success.forMountHelper == 0)
    #expect(ExitStatus.usage.forMountHelper == 1)
    #expect(ExitStatus.hostNotFound.forMountHelper == 32)
  }
}
