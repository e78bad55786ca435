import SystemPackage
import Testing

@testable import iscsifs

@Suite("Mount points")
struct MountpointTests {
  private let table = MountTable(
    parsing: """
      22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
      40 22 0:41 / /a\\040b rw,nosuid,nodev shared:9 master:2 - fuse.iscsifs 10.0.0.5:3260 rw
      41 22 0:42 / /x rw - tmpfs tmp\\134fs rw
      42 41 0:43 / /x rw - fuse.iscsifs demo rw,user_id=0
      broken line
      """)

  @Test("mountinfo: escapes, optional fields, the topmost of several (proc_pid_mountinfo(5))")
  func mountTable() {
    #expect(table.entries.count == 4)
    #expect(table.top(at: "/a b")?.source == "10.0.0.5:3260")
    #expect(table.top(at: "/a b")?.isOurs == true)
    #expect(table.entries[2].source == "tmp\\fs")
    #expect(table.top(at: "/x")?.source == "demo")
    #expect(table.top(at: "/x")?.device == "0:43")
    #expect(table.top(at: "/y") == nil)
  }

  private func facts(_ change: (inout MountpointFacts) -> Void) -> MountpointFacts {
    var facts = MountpointFacts(path: "/m", kind: .directory)
    change(&facts)
    return facts
  }

  @Test("an empty directory will do, also with a .gitkeep")
  func good() {
    #expect(facts { _ in }.objection(isRoot: false) == nil)
    #expect(facts { $0.names = [".gitkeep"] }.objection(isRoot: true) == nil)
  }

  @Test("every objection has its own sentence and status")
  func objections() {
    let objections = [
      facts { $0.kind = .failed(.noSuchFileOrDirectory) }.objection(isRoot: true),
      facts { $0.kind = .other }.objection(isRoot: true),
      facts { $0.names = [".gitkeep", "b", "a"] }.objection(isRoot: true),
      facts { $0.mounted = table.top(at: "/x") }.objection(isRoot: true),
      facts { $0.isWritable = false }.objection(isRoot: false),
      FUSEDevice.objection(to: .noSuchFileOrDirectory),
    ].compactMap(\.self)
    #expect(
      objections.map(\.status) == [
        .mountpointAbsent, .mountpointNotADirectory, .mountpointNotEmpty, .busy, .noPermission,
        .fuseUnavailable,
      ])
    #expect(objections[2].sentence.contains("(\"a\")"))
    #expect(Set(objections.map(\.sentence)).count == 6)
    #expect(facts { $0.isWritable = false }.objection(isRoot: true) == nil)
    #expect(FUSEDevice.objection(to: .permissionDenied).status == .noPermission)
  }

  @Test("a mount whose daemon was killed is told from one that works")
  func dead() {
    let dead = facts {
      $0.kind = .failed(.socketNotConnected)
      $0.mounted = table.top(at: "/x")
    }
    #expect(dead.isDeadMountOfOurs)
    #expect(!facts { $0.mounted = table.top(at: "/x") }.isDeadMountOfOurs)
    #expect(!facts { $0.kind = .failed(.socketNotConnected) }.isDeadMountOfOurs)
  }

  @Test("a mount point is found by its real path, an absent one by its parent's")
  func realPath() throws {
    #expect(try Mountpoint("/proc/self/..").path == "/proc")
    #expect(try Mountpoint("/proc/../surely-absent").path == "/surely-absent")
    #expect(throws: CommandFailure.self) { try Mountpoint("/surely/absent") }
    #expect(throws: CommandFailure.self) { try Mountpoint("") }
  }
}
