import Lab
import TargetSimulator
import Testing

extension EndToEnd {
  /// `lun<N>.info/control` and `metrics`, as a script uses them.
  @Suite("Commands of one LUN, and metrics")
  struct UnitControlTests {
    @Test("offline, online, rescan, flush and reset do what they say, or say why not")
    func commands() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(lab, .demo)
        #expect(await eventually { await mount.shell("test -e $T/lun2").status == 0 })
        for command in ["rescan", "flush", "reset"] {
          await mount.shell("echo \(command) > $T/lun1.info/control").expectSuccess()
        }
        await mount.shell("exec 3< $T/lun1; echo offline > $T/lun1.info/control")
          .expectFailure("busy")
        #expect(await mount.shell("cat $T/last_error").value.contains("lun1 of iqn."))
        await mount.shell("echo offline > $T/lun1.info/control").expectSuccess()
        #expect(await mount.shell("cat $T/lun1.info/state").value == "offline")
        await mount.shell("dd if=$T/lun1 bs=4k count=1 status=none")
          .expectFailure("No such device or address")
        await mount.shell("dd if=$T/lun2 of=/dev/null bs=4k count=1 status=none").expectSuccess()
        await mount.shell("echo online > $T/lun1.info/control").expectSuccess()
        #expect(await mount.shell("cat $T/lun1.info/state").value == "running")
        await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k count=1 status=none").expectSuccess()
        #expect(await mount.shell("cat $T/lun1.info/timeout").value == "30")
        await mount.shell("echo 90 > $T/lun1.info/timeout").expectSuccess()
        #expect(await mount.shell("cat $T/lun*.info/timeout").lines == ["90", "30"])
        await mount.shell("echo 0 > $T/lun1.info/timeout").expectFailure("Invalid argument")
        #expect(await mount.shell("cat $T/last_error").value.contains("1 to 86400 seconds"))
        await mount.shell("echo unmap 0 4096 > $T/lun1.info/control")
          .expectFailure("Invalid argument")
        #expect(await mount.shell("cat $T/last_error").value.contains("fallocate --punch-hole"))
        await mount.shell("echo logout > $T/sessions/1/connections/1/control")
          .expectFailure("busy")
        await mount.expectServing()
      }
    }

    @Test("last_error of a LUN says which block cannot be read; the log says it now and then")
    func unreadableBlock() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:scratched")
        var disk = SimulatedLogicalUnit.Configuration(blockCount: 2048)
        disk.unreadableBlocks = [40..<41]
        target.add(SimulatedLogicalUnit(disk), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(server.address))
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        #expect(await mount.shell("cat $T/lun1.info/last_error").value == "0 SUCCESS")
        for _ in 0..<8 {
          await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k skip=5 count=1 iflag=direct")
            .expectFailure("Input/output error")
        }
        let sentence = "READ(16) at block 40: The medium has an unrecoverable error"
        #expect(
          await eventually {
            await mount.shell("cat $T/lun1.info/last_error").value.hasPrefix("1 ERR \(sentence)")
          })
        let told = mount.foreground?.output.split(separator: "\n").count { $0.contains(sentence) }
        #expect((1...3).contains(told ?? 0), "\(mount.foreground?.output ?? "")")
        await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k skip=6 count=1 iflag=direct")
          .expectSuccess()
        #expect(await mount.shell("cat $T/last_error").value == "0 SUCCESS")
      }
    }

    @Test("config takes lines for the next login, of the mount or of one target")
    func configuration() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(lab, .demo)
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let key = "node.session.timeo.replacement_timeout"
        #expect(await mount.shell("stat -c %a config $T/config").lines == ["600", "600"])
        await mount.shell("printf '# mine\\n\(key) = 33\\n' > $T/config").expectSuccess()
        #expect(await mount.shell("grep \(key) $T/config").value == "\(key) = 33")
        #expect(await mount.shell("grep \(key) config").value == "\(key) = 120")
        await mount.shell("echo logout > $T/control && echo login > $T/control").expectSuccess()
        #expect(await mount.shell("cat $T/sessions/*/recovery_tmo").value == "33")
        await mount.shell("echo node.session.timeo.replacement_timout = 3 > config")
          .expectFailure("Invalid argument")
        #expect(await mount.shell("cat last_error").value.contains("did you mean \(key)?"))
        await mount.expectServing()
      }
    }

    @Test("metrics counts what dd does; a reader sees samples of Prometheus' text format alone")
    func metrics() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(lab, .demo)
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let commands = "awk '/^iscsifs_session_commands_total/ { print $2 }' metrics"
        let counts = await mount.shell(
          """
          \(commands)
          dd if=$T/lun1 of=/dev/null bs=4096 count=50 iflag=direct status=none
          \(commands)
          grep -v '^# HELP\\|^# TYPE' metrics \\
            | grep -Evc '^[a-z_]+(\\{([a-z]+="[^"]*",?)+\\})? [0-9]+$'
          """)
        let numbers = counts.lines.compactMap { Int($0) }
        #expect(numbers.count == 3 && numbers[1] - numbers[0] == 50, "\(counts)")
        #expect(numbers.last == 0, "\(counts)")
      }
    }
  }
}
