import Lab
import Testing

extension EndToEnd {
  /// fio as an oracle: every block carries its own checksum.
  @Suite("fio", .requires(.tgtd, .fio))
  struct FioTests {
    private static let common =
      "--size=64M --verify=crc32c --verify_fatal=1 --verify_dump=0 --randseed=9 --minimal"

    @Test("Random direct writes of 512 bytes to 1 MiB verify, 16 at once")
    func baseline() async throws {
      try await withMount { mount, _ in
        await mount.shell(
          """
          fio --name=v1 --filename=$F --rw=randwrite --bsrange=512-1M --blockalign=512 \\
            --io_size=128M --ioengine=libaio --iodepth=16 --direct=1 --verify_backlog=512 \\
            --verify_async=1 --end_fsync=1 \(Self.common)
          """
        ).expectSuccess()
      }
    }

    @Test("Buffered writes of odd lengths at odd offsets verify")
    func unaligned() async throws {
      try await withMount { mount, _ in
        await mount.shell(
          """
          fio --name=u --filename=$F --rw=randwrite --bsrange=128-70000 --bs_unaligned=1 \\
            --size=24M --ioengine=psync --verify=md5 --verify_backlog=64 --verify_fatal=1 --minimal
          """
        ).expectSuccess()
      }
    }

    @Test("Writes by shared mappings verify")
    func mapped() async throws {
      try await withMount { mount, daemon in
        await mount.shell(
          """
          set -e
          fio --name=m --filename=$F --rw=randwrite --bs=4k --ioengine=mmap --size=16M \\
            --verify=crc32c --verify_fatal=1 --end_fsync=1 --minimal
          sync -d $F
          cmp $F \(daemon.backingFile())
          """
        ).expectSuccess()
      }
    }

    @Test("Two writers beside each other verify")
    func twoWriters() async throws {
      try await withMount { mount, _ in
        await mount.shell(
          """
          fio --name=w --filename=$F --rw=randwrite --bs=16k --numjobs=2 --offset_increment=32M \\
            --size=32M --ioengine=libaio --iodepth=8 --direct=1 --verify=crc32c --verify_fatal=1 \\
            --end_fsync=1 --minimal
          """
        ).expectSuccess()
      }
    }

    @Test("E24 What was written before a restart of the target verifies after it")
    func twoPhases() async throws {
      try await withMount { mount, daemon in
        let job =
          "fio --name=ph --filename=$F --rw=randwrite --bs=8k --ioengine=libaio --iodepth=8 "
          + "--direct=1 \(Self.common) "
        await mount.shell(job + "--do_verify=0 --end_fsync=1").expectSuccess()
        await daemon.kill()
        try await daemon.start()
        await mount.shell(job + "--verify_only=1").expectSuccess()
      }
    }

    @Test(
      "P4, E29: a target that crashes and comes back with what it had costs time and no error",
      arguments: [false, true])
    func restartUnderLoad(hasWriteCache: Bool) async throws {
      try await withMount(.init(lun: 1, hasWriteCache: hasWriteCache)) { mount, daemon in
        let kind = hasWriteCache ? "write back" : "write through"
        #expect(await mount.shell("cat $T/lun1.info/write_cache").value == kind)
        async let load = mount.shell(
          """
          fio --name=r --filename=$F --rw=randwrite --bs=16k --ioengine=libaio --iodepth=16 \\
            --direct=1 --time_based --runtime=8 --rate=,8m --verify_backlog=128 --end_fsync=1 \\
            \(Self.common)
          """, limit: .seconds(90))
        try await Task.sleep(for: .seconds(2))
        await daemon.kill()
        try await Task.sleep(for: .seconds(2))
        try await daemon.start()
        await load.expectSuccess()
        #expect(await mount.shell("cat $T/state").value == "LOGGED_IN")
        #expect(await daemon.sessionCount() == 1)
      }
    }

    @Test("E29, P1: what a target with a write cache lost is an error of the next fsync, once")
    func crashWithWriteCache() async throws {
      try await withMount { mount, daemon in
        #expect(await mount.shell("cat $T/lun1.info/write_cache").value == "write back")
        let write = "dd if=/dev/urandom of=$F bs=64k count=4 conv=notrunc status=none oflag=direct"
        for losesBytes in [false, true] {
          await mount.shell(write).expectSuccess()
          await daemon.kill()
          if losesBytes {
            await mount.shell(
              "dd if=/dev/zero of=\(daemon.backingFile()) bs=512 count=1 seek=77 conv=notrunc"
            ).expectSuccess()
          }
          try await daemon.start()
          #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
          let sync = await mount.shell("sync $F")
          if losesBytes { sync.expectFailure("Input/output error") } else { sync.expectSuccess() }
          await mount.shell("sync $F").expectSuccess()
        }
        // Nothing unflushed, nothing to lose.
        await mount.shell("dd if=/dev/urandom of=$F bs=64k count=4 conv=notrunc,fsync")
          .expectSuccess()
        await daemon.kill()
        try await daemon.start()
        await mount.shell("sync $F").expectSuccess()
      }
    }

    /// F is the LUN by a name without colons, which fio would split.
    private func withMount(
      _ unit: TargetDaemon.Unit = TargetDaemon.Unit(lun: 1),
      _ body: (MountedFileSystem, TargetDaemon) async throws -> Void
    ) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: [unit])])
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), prelude: "F=$(ls -d $M/by-id/*); cd \(lab.path)")
        try await body(mount, daemon)
      }
    }
  }
}
