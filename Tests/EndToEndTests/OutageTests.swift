import Glibc
import Lab
import Testing

extension EndToEnd {
  /// An outage as people live through it: what they read, and what they can kill.
  @Suite("Outage", .requires(.tgtd))
  struct OutageTests {
    @Test("state, status, last_error, events and counters tell the whole story of an outage")
    func story() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["node.session.timeo.replacement_timeout=60"])
        let name = daemon.targets[0].name
        let events = try ManagedProcess(
          ["cat", "\(mount.path)/events"], output: lab.fresh("events"))
        #expect(
          await eventually {
            await mount.shell("ls -l /proc/\(events.processID)/fd").output.contains("/events")
          })
        await daemon.kill()
        #expect(await eventually { events.output.contains("login 2 failed") })
        let state = await mount.shell("cat $T/state").value
        let times = try #require(
          state.wholeMatch(of: /RECOVERING since (\S+Z) until (\S+Z)/), "\(state)")
        let seconds = await lab.shell(
          "echo $(($(date -d \(times.2) +%s%3N) - $(date -d \(times.1) +%s%3N)))")
        #expect(seconds.value == "60000")
        let status = await mount.shell("cat status")
        #expect(
          status.output.contains(
            "\n\(name): \(state): 4 TRANS \(daemon.address), target \(name): "),
          "\(status)")
        let error = await mount.shell("cat $T/last_error").value
        #expect(error.hasPrefix("4 TRANS "))
        #expect(error.hasSuffix(": connection refused"), "\(error)")
        #expect(await mount.shell("cat $T/lun1.info/state").value == "blocked")
        try await daemon.start()
        #expect(await eventually(.seconds(20)) { events.output.contains("session recovered") })
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        let told = events.output.split(separator: "\n").map {
          String($0.split(separator: " ", maxSplits: 2).last ?? "")
        }
        #expect(told.first?.hasPrefix("session lost: ") == true, "\(told)")
        let tries = told.dropFirst().prefix { $0.hasPrefix("login ") }
        #expect(
          tries.allSatisfy {
            $0.contains(/^login \d+ failed: .*connection refused; next in \d+\.\d s$/)
          }, "\(told)")
        let back = told.dropFirst(1 + tries.count).first ?? ""
        #expect(
          back.contains(
            /^session recovered: 127\.0\.0\.1:\d+ after \d+\.\d s, login \d+$/), "\(told)")
        #expect(back.hasSuffix(", login \(tries.count + 1)"), "\(told)")
        let counts = await mount.shell(
          "cd $T/sessions/1; cat losses recovery_tries recovery_ms; cat ../../last_error")
        #expect(counts.lines.first == "1" && counts.lines.last == "0 SUCCESS", "\(counts)")
        #expect(counts.lines[1] == "\(tries.count + 1)", "\(counts)")
        #expect((Int(counts.lines[2]) ?? 0) > 1000, "\(counts)")
      }
    }

    /// What waits for the target, or might; `$1` is the LUN, `$2` a pipe that is closed to begin.
    private static let waiting = [
      "dd if=$1 of=/dev/null bs=4096 count=1 skip=5 iflag=direct",
      "dd if=/dev/zero of=$1 bs=4096 count=1 seek=6 oflag=direct conv=notrunc",
      "fallocate -z -o 8192 -l 4096 $1",
      "exec dd if=$2 of=$1 bs=4096 conv=notrunc,fsync oflag=direct iflag=fullblock",
      "exec 3<$1; sleep 60",
      // Last: while the target hangs, an open drops cached pages and waits for those it has locked.
      "dd if=$1 of=/dev/null bs=4096 count=1 skip=700",
    ]

    @Test(
      "Whatever waits for a target that is gone or hangs can be killed; the rest does not wait",
      arguments: [SIGTERM, SIGKILL], [false, true])
    func killable(signal: Int32, hangs: Bool) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("echo $T/lun1").value
        let pipe = lab.fresh("pipe")
        await lab.shell("mkfifo \(pipe)").expectSuccess()
        let feeder = try ManagedProcess(
          ["bash", "-c", "head -c 4096 /dev/urandom > \(pipe); exec sleep 60 > \(pipe)"],
          output: lab.fresh("feeder"))
        let holder = try ManagedProcess(
          ["bash", "-c", "exec 4<>\(pipe); exec sleep 60"], output: lab.fresh("holder"))
        func start(_ script: String) throws -> ManagedProcess {
          try ManagedProcess(
            ["bash", "-c", script, "waiting", lun, pipe], output: lab.fresh("out"))
        }
        // A daemon's first write has a flush behind it, after which an fsync has nothing to do.
        await lab.shell("dd if=/dev/zero of=\(lun) bs=4k count=1 conv=notrunc,fsync status=none")
          .expectSuccess()
        // The fsync's write is done before the target goes.
        let fsync = try start(Self.waiting[3])
        #expect(
          await eventually {
            await lab.shell("cat /proc/\(fsync.processID)/io").lines.contains("wchar: 4096")
          })
        if hangs { daemon.signal(SIGSTOP) } else { await daemon.kill() }
        if !hangs {
          #expect(
            await eventually { await mount.shell("cat $T/state").output.hasPrefix("RECOVERING") })
        }
        await feeder.killGroup()
        await holder.killGroup()
        var callers = [fsync]
        for (index, script) in Self.waiting.enumerated() where index != 3 {
          let caller = try start(script)
          callers.append(caller)
          guard hangs else { continue }
          // In this order also at the kernel.
          _ = await eventually(.seconds(3)) {
            await lab.shell("ls -l /proc/\(caller.processID)/fd").output.contains("/lun1")
          }
        }
        // Nobody waits for what is known here.
        let clock = ContinuousClock()
        let known = await clock.measure {
          await mount.shell(
            """
            stat $T/lun1 && ls -lR $T > /dev/null && cat status $T/control $T/last_error \
              $T/login_log $T/sessions/1/stats $T/sessions/1/cmdsn $T/lun1.info/queue_depth
            """
          ).expectSuccess()
        }
        #expect(known < .seconds(2), "\(known)")
        try await Task.sleep(for: .milliseconds(1500))
        for (index, caller) in callers.enumerated() {
          // A target that hangs keeps no open waiting.
          let isOpen = hangs && index == 4
          #expect(isOpen || caller.status == nil, "\(index): \(caller.output)")
          caller.signalGroup(signal)
        }
        for (index, caller) in callers.enumerated() {
          #expect(await caller.wait(.seconds(4)) == 128 + signal, "\(index): \(caller.output)")
        }
        await mount.shell("echo 'logout force' > $T/control", limit: .seconds(25)).expectSuccess()
        if hangs { daemon.signal(SIGCONT) }
      }
    }
  }
}
