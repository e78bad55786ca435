import FoundationEssentials
import Lab
import Testing

extension EndToEnd {
  /// What the README promises, line by line, against tgt.
  @Suite("Transcript", .requires(.tgtd, .loop, .ext4))
  struct TranscriptTests {
    @Test("ls, status and state show a target that is logged in")
    func looking() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let names = await mount.shell("ls $T")
        for name in [
          "control", "last_error", "login_log", "lun1", "lun1.info", "portals", "sessions", "state",
        ] {
          #expect(names.lines.contains(name), "\(names)")
        }
        // tgt's LUN 0 is a controller: it can be looked at and has no data.
        #expect(!names.lines.contains("lun0"))
        #expect(await mount.shell("cat $T/state $T/last_error").value == "LOGGED_IN\n0 SUCCESS")
        let status = await mount.shell("cat status")
        #expect(status.output.contains("LOGGED_IN         1"), "\(status)")
        #expect(status.output.contains("lun1  64.0 MiB  running"), "\(status)")
        #expect(await mount.shell("stat -c %s $T/lun1").value == "67108864")
        #expect(await mount.shell("cmp by-path/*-lun-1 $T/lun1 && ls by-id").status == 0)
        #expect(await daemon.sessionCount() == 1)
      }
    }

    @Test("What dd writes is in the target's backing file when fsync returns")
    func writing() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        await mount.shell(
          """
          set -e
          dd if=/dev/urandom of=$T/lun1 bs=1M count=64 conv=notrunc,fsync status=none
          cmp -n 67108864 $T/lun1 \(daemon.backingFile())
          """
        ).expectSuccess()
      }
    }

    @Test("A loop device on a LUN carries ext4; a logout is refused while it is attached")
    func loopDevice() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let target = "\(mount.path)/targets/\(daemon.targets[0].name)"
        let device = try await LoopDevice.attach(lab, to: "\(target)/lun1")
        let files = try lab.makeDirectory("ext4")
        await lab.shell(
          """
          set -e
          mkfs.ext4 -q \(device.path)
          mount \(device.path) \(files)
          mkdir \(files)/d
          head -c 20000000 /dev/urandom > \(files)/d/a; cp \(files)/d/a \(files)/d/b
          sync -f \(files); echo 3 > /proc/sys/vm/drop_caches || true
          cmp \(files)/d/a \(files)/d/b
          """
        ).expectSuccess()
        await mount.shell("echo logout > $T/control").expectFailure("Device or resource busy")
        let error = await mount.shell("cat $T/last_error")
        #expect(error.output.hasPrefix("28 BUSY 1 LUN(s) of "), "\(error)")
        await lab.shell("umount \(files) && e2fsck -fn \(device.path)").expectSuccess()
        #expect(await device.detach().status == 0)
        await lab.shell("e2fsck -fn \(daemon.backingFile())").expectSuccess()
        #expect(
          await eventually { await mount.shell("echo logout > $T/control").status == 0 })
        #expect(await mount.shell("cat $T/state $T/last_error").value == "LOGGED_OUT\n0 SUCCESS")
      }
    }

    @Test("logout takes the LUN files away and login brings them back; twice is EEXIST")
    func loginAndLogout() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        await mount.shell("echo logout > $T/control").expectSuccess()
        #expect(await mount.shell("cat $T/state").value == "LOGGED_OUT")
        #expect(await mount.shell("ls $T | grep -c lun").value == "0")
        #expect(await mount.shell("ls by-id by-path | grep -c lun").value == "0")
        #expect(await daemon.sessionCount() == 0)
        await mount.shell("echo logout > $T/control").expectFailure("not connected")
        await mount.shell("echo login > $T/control").expectSuccess()
        #expect(
          await mount.shell("cat $T/state; stat -c %s $T/lun1").lines == ["LOGGED_IN", "67108864"])
        await mount.shell("echo login > $T/control").expectFailure("File exists")
        #expect(
          await mount.shell("cat $T/last_error").value
            == "15 SESS_EXISTS \(daemon.targets[0].name) is logged in already")
        // Refused is not failed: everything goes on.
        await mount.expectServing()
        await mount.shell("echo rescan > $T/control").expectSuccess()
        #expect(await mount.shell("cat $T/last_error").value == "0 SUCCESS")
      }
    }

    @Test("discover is a verb and a command")
    func discovery() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(), TargetDaemon.Target(name: "iqn.2026-11.org.iscsifs:b")])
        let line = "\(daemon.address),1 \(daemon.targets[0].name)"
        let command = await lab.shell(
          "\(Binary.path) discover \(daemon.address) -o state=\(lab.path)/state")
        #expect(command.lines.sorted() == ["\(daemon.address),1 iqn.2026-11.org.iscsifs:b", line])
        let mount = try await MountedFileSystem.start(lab, .mount("none"))
        await mount.shell("cat status").expectSuccess()
        #expect(await mount.shell("ls targets | wc -l").value == "0")
        await mount.shell("echo 'discover \(daemon.address)' > control").expectSuccess()
        #expect(await mount.shell("ls targets | wc -l").value == "2")
        await mount.shell("echo login > control").expectSuccess()
        #expect(await mount.shell("cat targets/*/state").value == "LOGGED_IN\nLOGGED_IN")
        #expect(await daemon.sessionCount() == 2)
      }
    }

    @Test("status --json is JSON with the files' names and values")
    func json() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let result = await mount.shell("$ISCSIFS status --json $M")
        let report = try JSONDecoder().decode(Report.self, from: Data(result.output.utf8))
        #expect(report.mountpoint == mount.path)
        #expect(report.source == daemon.address)
        let target = try #require(report.targets.first)
        #expect(target.name == daemon.targets[0].name)
        #expect(target.attributes["state"] == "LOGGED_IN")
        #expect(target.sessions.count == 1)
        #expect(target.luns.keys.sorted() == ["lun0", "lun1"])
        let list = await mount.shell("$ISCSIFS status")
        #expect(list.lines.contains("\(mount.path) \(daemon.address)"), "\(list)")
        #expect(
          await mount.shell("$ISCSIFS status $M").output == mount.shell("cat status").output)
      }
    }

    @Test("umount logs every session out and the daemon exits 0")
    func unmounting() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(
          lab, [TargetDaemon.Target(), TargetDaemon.Target(name: "iqn.2026-11.org.iscsifs:b")])
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await daemon.sessionCount() == 2 })
        #expect(
          await eventually { await mount.shell("cat targets/*/lun1 | wc -c").value == "134217728" })
        await mount.unmount().expectSuccess()
        #expect(await mount.waitForEnd() == 0)
        #expect(await daemon.sessionCount() == 0)
        #expect(await !mount.isMounted())
      }
    }

    /// The part of the report that scripts read.
    private struct Report: Decodable {
      struct Target: Decodable {
        var name: String
        var attributes: [String: String]
        var sessions: [Session]
        var luns: [String: Ignored]
      }
      struct Session: Decodable {}
      struct Ignored: Decodable {}

      var mountpoint: String
      var source: String
      var targets: [Target]
    }
  }
}
