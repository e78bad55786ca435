import Glibc
import Lab
import Testing

extension EndToEnd {
  /// Ends that somebody forces: of the daemon, of the kernel's connection, of callers.
  @Suite("Ending", .requires(.tgtd))
  struct EndingTests {
    @Test("a second SIGTERM ends a daemon that waits for a hanging target, and the mount is gone")
    func secondSignal() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(daemon.address), options: ["node.conn[0].timeo.logout_timeout=9"])
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        daemon.signal(SIGSTOP)
        let process = try #require(mount.foreground)
        process.signal(SIGTERM)
        #expect(await eventually { process.output.contains("told to end by") })
        // It waits for the answer to its Logout.
        try await Task.sleep(for: .milliseconds(500))
        #expect(process.status == nil)
        process.signal(SIGTERM)
        #expect(await process.wait(.seconds(3)) == 128 + SIGTERM, "\(process.output)")
        #expect(process.output.contains("ends without logging out"))
        #expect(await !mount.isMounted())
        daemon.signal(SIGCONT)
        let again = try await MountedFileSystem.start(lab, .mount(daemon.address), at: mount.path)
        await again.expectServing()
      }
    }

    @Test("SIGTERM under load drains, flushes and logs out within 10 s")
    func drains() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let lun = await mount.shell("echo $T/lun1").value
        let writer = try ManagedProcess(
          ["dd", "if=/dev/zero", "of=\(lun)", "bs=64k", "oflag=direct", "conv=notrunc"],
          output: lab.fresh("writer"))
        try await Task.sleep(for: .milliseconds(500))
        let clock = ContinuousClock()
        let taken = await clock.measure {
          mount.foreground?.signal(SIGTERM)
          #expect(await mount.waitForEnd(.seconds(12)) == 0, "\(mount.foreground?.output ?? "")")
        }
        #expect(taken < .seconds(10), "\(taken)")
        #expect(await daemon.sessionCount() == 0)
        #expect(await writer.wait(.seconds(5)) == 1, "\(writer.output)")
        #expect(await !mount.isMounted())
      }
    }

    @Test(
      "the kernel's abort of the connection is a clean end: logged out, exit 0, mounted again",
      .requires(.fuseControl))
    func aborted() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let lun = await mount.shell("echo $T/lun1").value
        daemon.signal(SIGSTOP)
        let reader = try ManagedProcess(
          ["dd", "if=\(lun)", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"],
          output: lab.fresh("reader"))
        try await Task.sleep(for: .milliseconds(300))
        let control = try lab.makeDirectory("fusectl")
        // The number is the device's minor one; the mount of fusectl goes with its namespace.
        let abort = await lab.shell(
          """
          device=$(stat -c %d \(mount.path))
          unshare -m sh -c "mount -t fusectl none \(control) && \
            echo 1 > \(control)/$((device & 0xff | device >> 12 & 0xfff00))/abort"
          """)
        abort.expectSuccess()
        #expect(await reader.wait(.seconds(3)) == 1)
        #expect(reader.output.contains("abort"), "\(reader.output)")
        daemon.signal(SIGCONT)
        #expect(await mount.waitForEnd(.seconds(12)) == 0, "\(mount.foreground?.output ?? "")")
        #expect(await daemon.sessionCount() == 0)
        #expect(await !mount.isMounted())
        let again = try await MountedFileSystem.start(lab, .mount(daemon.address), at: mount.path)
        await again.expectServing()
      }
    }
  }
}
