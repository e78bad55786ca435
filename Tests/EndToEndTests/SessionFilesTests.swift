import Glibc
import Lab
import Testing

extension EndToEnd {
  /// What a person looks at to see a session work: `stats`, `tasks/`, `events`, against tgt.
  @Suite("Files of a session", .requires(.tgtd))
  struct SessionFilesTests {
    @Test("stats counts what dd does; tasks shows what a target owes, unlink aborts it")
    func statsAndTasks() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let count = "awk '/^scsicmd_pdus: / { print $2 }' $T/sessions/1/stats"
        let result = await mount.shell(
          """
          before=$(\(count))
          dd if=$T/lun1 of=/dev/null bs=4096 count=50 iflag=direct status=none
          after=$(\(count))
          echo $((after - before)); wc -l < $T/sessions/1/stats; ls $T/sessions/1/tasks
          """)
        #expect(result.lines == ["50", "21"], "\(result)")
        daemon.signal(SIGSTOP)
        let outcome = lab.fresh("outcome")
        let stuck = await mount.shell(
          """
          dd if=$T/lun1 of=/dev/null bs=4096 count=1 skip=7 iflag=direct status=none &
          for i in $(seq 100); do
            task=$(ls $T/sessions/1/tasks); [ -n "$task" ] && break; sleep 0.05
          done
          cat $T/sessions/1/tasks/$task | grep -v age_ms; stat -c %a $T/sessions/1/tasks/$task
          rm $T/sessions/1/tasks/0xffff0000 2>&1 | grep -o 'No such file'
          (rm -f $T/sessions/1/tasks/$task; echo $? > \(outcome)) &
          """)
        #expect(
          stuck.lines == [
            "lun: 1", "cdb: 88 00 00 00 00 00 00 00 00 38 00 00 00 08 00 00", "bytes: 4096",
            "state: sent", "400", "No such file",
          ], "\(stuck)")
        #expect(
          await eventually {
            await mount.shell("cat $T/sessions/1/stats").output.contains("tmfcmd_pdus: 1\n")
          })
        daemon.signal(SIGCONT)
        #expect(await eventually { await lab.shell("cat \(outcome)").value == "0" })
        #expect(await eventually { await mount.shell("ls $T/sessions/1/tasks").value == "" })
        await mount.expectServing()
      }
    }

    @Test("nop, reset and recovery_tmo do what they say; what is wrong is told in last_error")
    func sessionCommands() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        await mount.shell("echo nop > $T/sessions/1/control").expectSuccess()
        await mount.shell("echo off > $T/sessions/1/recovery_tmo").expectSuccess()
        #expect(await mount.shell("cat $T/sessions/1/recovery_tmo").value == "off")
        await mount.shell("echo 3 > $T/sessions/1/recovery_tmo").expectSuccess()
        #expect(await mount.shell("cat $T/sessions/1/recovery_tmo").value == "3")
        await mount.shell("echo soon > $T/sessions/1/recovery_tmo").expectFailure(
          "Invalid argument")
        #expect(
          await mount.shell("cat $T/last_error").value
            == "7 INVAL recovery_tmo takes 0 to 86400 seconds, or off")
        for (file, seconds) in [
          ("abort_tmo", 4), ("lu_reset_tmo", 5), ("tgt_reset_tmo", 6),
          ("connections/$C/recv_tmo", 1), ("connections/$C/ping_tmo", 1),
        ] {
          let path = "C=$(ls $T/sessions/1/connections); F=$T/sessions/1/\(file)"
          await mount.shell("\(path); echo \(seconds) > $F").expectSuccess()
          #expect(await mount.shell("\(path); cat $F").value == "\(seconds)")
        }
        await mount.shell("echo off > $T/sessions/1/abort_tmo").expectFailure("Invalid argument")
        #expect(
          await mount.shell("cat $T/last_error").value
            == "7 INVAL abort_tmo takes 1 to 86400 seconds")
        await mount.shell("echo reset > $T/control").expectFailure("Operation not supported")
        let refusal = "TARGET WARM RESET at \(daemon.targets[0].name) is not supported by it"
        #expect(await mount.shell("cat $T/last_error").value == "27 OP_NOT_SUPP \(refusal)")
        await mount.expectServing()
        // Its target frozen, a ping says so when the session is given up.
        daemon.signal(SIGSTOP)
        await mount.shell("echo nop > $T/sessions/1/control").expectFailure("timed out")
        let began = await mount.shell("date +%s").value
        await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k count=1 iflag=direct").expectFailure(
          "severed")
        let took = await mount.shell("echo $(( $(date +%s) - \(began) ))").value
        // Never before its time; how long after it depends on the machine.
        #expect((Int(took) ?? 99) <= 30, "recovery_tmo 3 took \(took) s")
        daemon.signal(SIGCONT)
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        await mount.expectServing()
      }
    }

    @Test("events tells of a loss, the way back and a logout; one that waits does not keep a mount")
    func events() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        let log = lab.fresh("events")
        let reader = try ManagedProcess(["cat", "\(mount.path)/events"], output: log)
        let nonblocking = await mount.shell("dd if=events iflag=nonblock count=1")
        nonblocking.expectFailure("Resource temporarily unavailable")
        // Until the reader has its file open nothing is told to it.
        #expect(
          await eventually {
            await mount.shell("ls -l /proc/\(reader.processID)/fd").output.contains("/events")
          })
        await mount.shell("echo drop > $T/sessions/1/control").expectSuccess()
        #expect(await eventually { reader.output.contains("session recovered") })
        await mount.shell("echo logout > $T/control").expectSuccess()
        let end = "/sessions/1 session ended: logged out\n"
        #expect(await eventually { reader.output.hasSuffix(end) }, "\(reader.output)")
        let lines = reader.output.split(separator: "\n").map {
          $0.split(separator: " ", maxSplits: 2).map(String.init)
        }
        let session = "targets/\(daemon.targets[0].name)/sessions/1"
        #expect(lines.allSatisfy { $0.count == 3 && $0[0].hasSuffix("Z") && $0[0].count == 24 })
        #expect(
          lines.map { $0.dropFirst().joined(separator: " ") }.contains(
            "\(session) session lost: dropped on request"))
        // The daemon ends, logged out and unmounted, although somebody waits for events.
        mount.foreground?.signal(SIGTERM)
        #expect(await mount.waitForEnd() == 0)
        // It has come to the end of the file.
        #expect(await reader.wait(.seconds(10)) == 0)
        #expect(reader.output.hasSuffix(end), "\(reader.output)")
      }
    }
  }
}
