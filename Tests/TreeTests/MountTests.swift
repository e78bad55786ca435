import FUSE
import Testing

@testable import ControlPlane
@testable import Tree

/// The tree on a real mount, with programs looking at it; a pump stands in for the reactor.
@Suite(.serialized, .enabled(if: TestMount.isPossible, "needs /dev/fuse, and root or fusermount3"))
struct MountTests {
  @Test("Programs see the tree: ls, cat, stat, readlink, echo")
  func programs() async throws {
    try await withMount { mount in
      let target = "targets/\(Fixtures.iqn)"
      let listing = await mount.shell("ls -lR .")
      #expect(listing.status == 0, "\(listing.text)")
      #expect(listing.text.contains("lun1.info"))
      #expect(await mount.shell("cat version \(target)/state").text == "iscsifs 0.1\nLOGGED_IN\n")
      #expect(await mount.shell("cat \(target)/sessions/1/cmdsn").text == "10\n")
      #expect(await mount.shell("head -1 status").text.hasPrefix("Initiator: "))
      #expect(
        await mount.shell("stat -c '%a %s %F' \(target)/lun1 \(target)/lun2 control targets").text
          == """
          600 1048576 regular file
          400 1048576 regular file
          600 \(CommandGrammar.rootUsage.utf8.count) regular file
          755 0 directory

          """)
      #expect(
        await mount.shell("readlink by-path/*-lun-1").text == "../\(target)/lun1\n")
      #expect(await mount.shell("stat -L -c %s by-id/*").text == "1048576\n1048576\n")
      #expect(await mount.shell("grep -c ' fuse.iscsifs ro\\?' /proc/mounts").status == 0)
      #expect(
        await mount.shell("echo rescan > control && echo 'login nowait' >> \(target)/control")
          .status == 0)
      #expect(
        await mount.source.told == [
          .root(.rescan), .target(.login(nowait: true), Fixtures.iqn),
        ])
    }
  }

  @Test("Refusals reach programs as the contract's errors")
  func refusals() async throws {
    try await withMount { mount in
      let refusals = [
        ("/bin/echo frobnicate > control", "Invalid argument"),
        ("head -c 5000 /dev/zero | tr '\\0' a | dd of=control bs=8192", "Invalid argument"),
        ("echo x > status", "Permission denied"), ("mkdir new", "Operation not permitted"),
        ("touch new", "Operation not permitted"), ("rm control", "Operation not permitted"),
        ("mv control c", "Operation not permitted"), ("chmod 777 control", "not permitted"),
        ("ln -s a b", "Operation not permitted"), ("cat absent", "No such file"),
        ("truncate -s 5 targets/*/lun1", "Operation not permitted"),
        ("truncate -s 5G targets/*/lun1", "File too large"),
        ("cat targets/*/sessions/1/control", "Permission denied"),
      ]
      for (command, error) in refusals {
        let result = await mount.shell(command)
        #expect(result.status != 0, "\(command)")
        #expect(result.text.contains(error), "\(command): \(result.text)")
      }
      // truncate(1) opens before it truncates: nothing else was done.
      let unit = Fixtures.disk
      #expect(
        await mount.source.told.allSatisfy {
          $0 == .opened(unit, writable: true) || $0 == .closed(unit, writable: true)
        })
    }
  }

  @Test("O_TRUNC and truncation to the same size change nothing")
  func truncation() async throws {
    try await withMount { mount in
      let lun = "targets/\(Fixtures.iqn)/lun1"
      for command in ["truncate -s 1048576 \(lun)", ": > \(lun)", ": > control"] {
        #expect(await mount.shell(command).status == 0, "\(command)")
        #expect(await mount.shell("stat -c %s \(lun)").text == "1048576\n")
      }
    }
  }

  @Test("A change in the control plane is seen at once, in spite of what the kernel caches")
  func changes() async throws {
    try await withMount { mount in
      let target = "targets/\(Fixtures.iqn)"
      #expect(await mount.shell("stat -c %s \(target)/lun1").text == "1048576\n")
      let units = [try Fixtures.unit(1, handle: Fixtures.disk, blocks: 4096)]
      await mount.source.show(
        Fixtures.initiator([try Fixtures.target(units: units)], revision: 2))
      await mount.tree.handle(.capacityChanged(Fixtures.disk))
      #expect(
        await mount.shell(Self.wait("[ $(stat -c %s \(target)/lun1) = 2097152 ]")).status == 0)
      await mount.source.show(Fixtures.initiator([], revision: 3))
      await mount.tree.handle(.targetsChanged)
      #expect(await mount.shell(Self.wait("[ ! -e \(target) ]")).status == 0)
      #expect(await mount.shell("ls targets by-id by-path | grep -c lun").text == "0\n")
    }
  }

  @Test("A writer who waits for a target can be killed, and the mount goes on")
  func interrupt() async throws {
    try await withMount { mount in
      await mount.source.hang()
      let target = "targets/\(Fixtures.iqn)"
      let killed = await mount.shell("timeout -s KILL 0.2 /bin/echo login > \(target)/control")
      #expect(killed.status != 0)
      // The open itself is the shell's; the write hung, was interrupted and cancelled.
      #expect(await mount.shell("cat \(target)/state").text == "LOGGED_IN\n")
    }
  }

  @Test("A directory that is mounted already is refused, and one that was can be mounted again")
  func again() async throws {
    try await withMount { mount in
      #expect(throws: MountError.self) {
        try MountPoint(path: mount.path).check()
      }
    }
    try await withMount { mount in
      #expect(await mount.shell("ls").status == 0)
    }
  }

  /// A shell loop until `condition` holds, at most five seconds.
  private static func wait(_ condition: String) -> String {
    "for i in $(seq 100); do \(condition) && exit 0; sleep 0.05; done; exit 1"
  }
}

/// Runs `body` with a mount, which ends whatever happens.
func withMount(_ body: (TestMount) async throws -> Void) async throws {
  let mount = try TestMount()
  do {
    try await body(mount)
  } catch {
    mount.end()
    throw error
  }
  mount.end()
}
