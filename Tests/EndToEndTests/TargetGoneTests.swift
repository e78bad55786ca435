import Glibc
import Lab
import Testing

extension EndToEnd {
  /// The target goes away: bounded waiting, callers that can be killed, and a way back.
  @Suite("Target gone", .requires(.tgtd))
  struct TargetGoneTests {
    @Test("After replacement_timeout callers get ENOLINK; it works again when the target is back")
    func bounded() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["node.session.timeo.replacement_timeout=3"])
        await daemon.kill()
        let clock = ContinuousClock()
        var result: ShellResult?
        let waited = await clock.measure {
          result = await mount.shell("dd if=$T/lun1 of=/dev/null bs=4096 count=1 iflag=direct")
        }
        result?.expectFailure("Link has been severed")
        #expect(waited > .seconds(1) && waited < .seconds(6), "\(waited)")
        // Past the limit nothing waits any more.
        let quick = await clock.measure {
          result = await mount.shell(
            "printf x | dd of=$T/lun1 conv=notrunc oflag=direct status=none")
        }
        result?.expectFailure("Link has been severed")
        #expect(quick < .seconds(1), "\(quick)")
        #expect(
          await mount.shell("cat $T/state").value.wholeMatch(
            of: /RECOVERING since (\S+Z) failing since (\S+Z)/) != nil)
        #expect(await mount.shell("stat -c %s $T/lun1").value == "67108864")
        try await daemon.start()
        #expect(
          await eventually(.seconds(30)) { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        await mount.shell("printf back | dd of=$T/lun1 conv=notrunc,fsync status=none")
          .expectSuccess()
        #expect(await lab.shell("head -c 4 \(daemon.backingFile())").value == "back")
      }
    }

    @Test(
      "A caller that waits can be killed, and the mount can be left",
      arguments: [SIGTERM, SIGKILL])
    func killable(signal: Int32) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["node.session.timeo.replacement_timeout=100"])
        let lun = await mount.shell("echo $T/lun1").value
        // Under way when the target goes; opened afterwards, direct and through the cache.
        let early = try dd(lab, lun, "iflag=direct", "bs=512")
        try await Task.sleep(for: .milliseconds(200))
        await daemon.kill()
        #expect(
          await eventually {
            await mount.shell("cat $T/state").value.wholeMatch(
              of: /RECOVERING since (\S+Z) until (\S+Z)/) != nil
          })
        let callers = [
          early, try dd(lab, lun, "iflag=direct", "bs=65536"), try dd(lab, lun, "bs=65536"),
        ]
        try await Task.sleep(for: .milliseconds(1500))
        for caller in callers {
          #expect(caller.status == nil, "\(caller.output)")
          caller.signal(signal)
        }
        for caller in callers { #expect(await caller.wait(.seconds(4)) == 128 + signal) }
        await mount.shell("echo 'logout force' > $T/control", limit: .seconds(20)).expectSuccess()
        #expect(await mount.shell("cat $T/state").value == "LOGGED_OUT")
        await mount.shell("echo login > $T/control").expectFailure("Connection refused")
        #expect(
          await mount.shell("cat $T/last_error").output.contains("connection refused"))
        await mount.unmount().expectSuccess()
        #expect(await mount.waitForEnd(.seconds(12)) == 0)
      }
    }

    private func dd(_ lab: Lab, _ file: String, _ options: String...) throws -> ManagedProcess {
      try ManagedProcess(
        ["dd", "if=\(file)", "of=/dev/null"] + options, output: lab.fresh("dd"))
    }

    @Test("umount ends in time also when the target hangs")
    func hanging() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(daemon.address), options: ["node.conn[0].timeo.logout_timeout=3"])
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        daemon.signal(SIGSTOP)
        await mount.unmount().expectSuccess()
        #expect(await mount.waitForEnd(.seconds(15)) == 0)
        daemon.signal(SIGCONT)
      }
    }

    @Test("A caller that waits for a target that hangs can be killed")
    func hangingCaller() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("echo $T/lun1").value
        daemon.signal(SIGSTOP)
        let caller = try dd(lab, lun, "iflag=direct", "bs=4096", "count=1")
        try await Task.sleep(for: .milliseconds(300))
        caller.signal(SIGTERM)
        #expect(await caller.wait(.seconds(3)) == 128 + SIGTERM)
        daemon.signal(SIGCONT)
        await mount.expectServing()
      }
    }

    /// It waits in exit_aio, and the kernel interrupts none of its requests.
    @Test(
      "P3 who has only submitted, for a target that hangs, can be killed",
      arguments: ["KILL", "SEGV"])
    func hangingSubmitter(signal: String) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("ls -d $M/by-id/* | head -n 1").value
        let fio = try ManagedProcess(
          [
            "fio", "--name=aio", "--filename=\(lun)", "--rw=randrw", "--bs=4k", "--iodepth=16",
            "--ioengine=libaio", "--direct=1", "--time_based", "--runtime=100", "--size=8M",
          ], output: lab.fresh("fio"))
        let commands = "cat $T/sessions/*/cmdsn"
        let idle = await mount.shell(commands).value
        #expect(await eventually { await mount.shell(commands).value != idle })
        daemon.signal(SIGSTOP)
        try await Task.sleep(for: .milliseconds(300))
        let job = await lab.shell("pgrep -P \(fio.processID)").value
        await lab.shell("kill -\(signal) \(job)").expectSuccess()
        // 2 s, and what the machine takes.
        let gone = "test ! -e /proc/\(job)"
        #expect(await eventually(.seconds(4)) { await lab.shell(gone).status == 0 })
        #expect(await fio.wait(.seconds(5)) != 0)
        daemon.signal(SIGCONT)
        await mount.expectServing()
      }
    }

    /// Runtimes send themselves SIGURG, shells get SIGCHLD, with a handler: that ends a call.
    @Test("A signal that asks for nothing does not end what waits for a target; SIGTERM then does")
    func notice() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("echo $T/lun1").value
        let reader = """
          $SIG{URG} = sub {}; open(F, "<", "\(lun)") or die "open: $!";
          sysread(F, $b, 4096, 0) == 4096 or die "read: $!";
          """
        daemon.signal(SIGSTOP)
        let patient = try ManagedProcess(["perl", "-e", reader], output: lab.fresh("perl"))
        try await Task.sleep(for: .milliseconds(300))
        // Its open waits for the read.
        let ended = try ManagedProcess(["perl", "-e", reader], output: lab.fresh("perl"))
        try await Task.sleep(for: .milliseconds(300))
        patient.signal(SIGURG)
        ended.signal(SIGURG)
        try await Task.sleep(for: .milliseconds(1500))
        ended.signal(SIGTERM)
        #expect(await ended.wait(.seconds(3)) == 128 + SIGTERM)
        daemon.signal(SIGCONT)
        #expect(await patient.wait(.seconds(5)) == 0)
        await mount.expectServing()
      }
    }

    @Test("A child that ends does not end its shell's write to a control file")
    func child() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        await mount.shell("echo logout > $T/control").expectSuccess()
        daemon.signal(SIGSTOP)
        let script = """
          trap : CHLD
          sleep 0.3 & echo login > $T/control; status=$?
          wait; exit $status
          """
        async let login = mount.shell(script)
        try await Task.sleep(for: .milliseconds(800))
        daemon.signal(SIGCONT)
        await login.expectSuccess()
        await mount.expectServing()
      }
    }

    @Test("P3 who opens a file beside a reader who waits for a target that hangs can be killed")
    func hangingOpen() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("echo $T/lun1").value
        daemon.signal(SIGSTOP)
        // Its pages are locked until it is answered; an open drops all of the file's.
        let reader = try dd(lab, lun, "bs=4096", "count=1")
        try await Task.sleep(for: .milliseconds(300))
        let opener = try dd(lab, lun, "bs=4096", "count=1", "skip=500", "iflag=direct")
        try await Task.sleep(for: .milliseconds(300))
        opener.signal(SIGTERM)
        #expect(await opener.wait(.seconds(3)) == 128 + SIGTERM)
        let patient = try dd(lab, lun, "bs=4096", "count=1", "skip=600", "iflag=direct")
        daemon.signal(SIGCONT)
        #expect(await reader.wait(.seconds(5)) == 0)
        #expect(await patient.wait(.seconds(5)) == 0)
        await mount.expectServing()
      }
    }

    @Test("logout force ends the I/O that waits")
    func forced() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["node.conn[0].timeo.logout_timeout=3"])
        let lun = await mount.shell("echo $T/lun1").value
        daemon.signal(SIGSTOP)
        let reader = try ManagedProcess(
          ["dd", "if=\(lun)", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"],
          output: lab.fresh("reader"))
        try await Task.sleep(for: .milliseconds(300))
        await mount.shell("echo logout > $T/control").expectFailure("Device or resource busy")
        await mount.shell("echo 'logout force' > $T/control", limit: .seconds(25)).expectSuccess()
        #expect(await reader.wait(.seconds(5)) == 1)
        #expect(reader.output.contains("not connected"), "\(reader.output)")
        daemon.signal(SIGCONT)
        #expect(
          await eventually(.seconds(20)) {
            await mount.shell("echo login > $T/control").status == 0
          })
        await mount.shell("head -c 1 $T/lun1 | wc -c").expectSuccess()
      }
    }
  }
}
