import Glibc
import Lab
import Testing

extension EndToEnd {
  /// A daemon whose own pages, and the dirty ones behind it, have no room.
  @Suite("Memory pressure", .requires(.tgtd, .loop, .ext4, .memoryGroup))
  struct MemoryPressureTests {
    @Test(
      "P6: in little memory, ext4 on loop, dirty pages without end, losses: it goes on"
    )
    func apart() async throws {
      try await pressure(isShared: false)
    }

    /// What may hang is what the kernel does to get memory: wait for dirty pages to be written, by
    /// us. Who is no I/O flusher waits there as all do.
    @Test(
      "P6: the same when the dirty pages are of its own control group",
      .requires(.resourceCapability))
    func shared() async throws {
      try await pressure(isShared: true)
    }

    private func pressure(isShared: Bool) async throws {
      try await withLab { lab in
        // What a write cache held may be lost with a connection: that is another test.
        let daemon = try await TargetDaemon.start(
          lab,
          [
            TargetDaemon.Target(
              units: [TargetDaemon.Unit(lun: 1, mebibytes: 1024, hasWriteCache: false)])
          ])
        // FUSE over io_uring has memory for every processor's queue besides.
        let limit = Binary.channel == "uring" ? 192 : 128
        let group = try MemoryGroup(lab, mebibytes: limit)
        let loadGroup = isShared ? group : try MemoryGroup(lab, mebibytes: 128)
        let program = try lab.write(
          """
          #!/bin/sh
          \(group.entering)
          ulimit -n 64
          exec \(Binary.path) "$@"

          """, mode: 0o755)
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(daemon.address), program: program)
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let device = try await LoopDevice.attach(lab, to: await mount.shell("echo $T/lun1").value)
        let directory = try lab.makeDirectory("ext4")
        await lab.shell(
          "mkfs.ext4 -q \(device.path) && mount -o errors=remount-ro \(device.path) \(directory)",
          limit: .seconds(100)
        ).expectSuccess()
        let seed = lab.fresh("seed")
        await lab.shell("head -c 16M /dev/urandom > \(seed)").expectSuccess()
        // Four times what the group may hold, dirtied as fast as it goes.
        let load = try ManagedProcess(
          [
            "bash", "-c",
            """
            \(loadGroup.entering)
            set -e
            for i in $(seq 32); do cp \(seed) \(directory)/f$i; echo $i; done
            sync -f \(directory)
            """,
          ], output: lab.fresh("load"))
        let clock = ContinuousClock()
        let begun = clock.now
        while load.status == nil, clock.now - begun < .seconds(90) {
          try await Task.sleep(for: .seconds(2))
          _ = await mount.shell("echo drop > $T/sessions/1/control", limit: .seconds(10))
        }
        #expect(load.status == 0, "\(load.output)")
        #expect(await group.killCount() == 0)
        let peak = await group.peakMebibytes()
        #expect(peak <= limit, "\(peak) MiB")
        #expect(mount.foreground?.status == nil, "\(mount.foreground?.output ?? "")")
        let check = await lab.shell(
          """
          set -e
          umount \(directory)
          e2fsck -fn \(device.path)
          mount -o ro \(device.path) \(directory)
          for f in \(directory)/f*; do cmp \(seed) $f; done
          umount \(directory)
          """, limit: .seconds(100))
        check.expectSuccess()
        await device.detach().expectSuccess()
      }
    }
  }
}
