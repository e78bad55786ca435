import FoundationEssentials
import Glibc
import Lab
import LinuxIO
import Testing

extension EndToEnd {
  /// FUSE over io_uring; `make test-ring` runs every other suite through it too.
  @Suite("Requests through io_uring", .requires(.tgtd, .fio, .ring))
  struct RingTests {
    private func mount(
      _ lab: Lab, _ daemon: TargetDaemon, options: [String] = ["channel=uring", "sessions=0"]
    ) async throws -> MountedFileSystem {
      _ = try RingSwitch(lab, isOn: true)
      return try await MountedFileSystem.start(lab, .mount(daemon.address), options: options)
    }

    @Test("run on two sessions where there are two processors, and status says so")
    func status() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await mount(lab, daemon)
        await mount.expectServing()
        #expect(await mount.shell("grep Channel status").value == "Channel: uring")
        #expect(await daemon.sessionCount() == min(2, Processors.possibleCount))
      }
    }

    /// Direct writes of a few bytes from two processors: every block is rewritten by both.
    @Test("lose no byte when two processors write parts of the same blocks", arguments: [0, 1])
    func rewrites(sessions: Int) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await mount(
          lab, daemon, options: ["channel=uring", "sessions=\(sessions)"])
        let job =
          "fio --filename=$(ls -d by-id/*) --rw=write:7 --bs=7 --size=8393 --direct=1 --minimal "
          + "--ioengine=psync --group_reporting"
        await mount.shell(
          """
          \(job) --name=a --cpus_allowed=0 --buffer_pattern=0x41 > /dev/null & a=$!
          \(job) --name=b --cpus_allowed=1 --buffer_pattern=0x42 --offset=7 > /dev/null & b=$!
          wait $a && wait $b
          """
        ).expectSuccess()
        let bytes = try Data(contentsOf: URL(filePath: daemon.backingFile(lun: 1)))
        for stripe in 0..<1198 {
          let expected = [UInt8](repeating: stripe % 2 == 0 ? 0x41 : 0x42, count: 7)
          #expect([UInt8](bytes[stripe * 7..<stripe * 7 + 7]) == expected, "stripe \(stripe)")
        }
      }
    }

    @Test("S07 lose no byte when one processor punches holes between what another writes")
    func holes() async throws {
      try await withLab { lab in
        let unit = TargetDaemon.Unit(lun: 1, isThin: true)
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: [unit])])
        let mount = try await mount(lab, daemon)
        await mount.shell(
          """
          set -e
          F=$(ls -d $M/by-id/*)
          head -c 65536 /dev/zero | tr '\\0' A | dd of=$F bs=64k conv=notrunc status=none
          ( taskset -pc 0 $BASHPID > /dev/null
            for i in $(seq 0 149); do fallocate -p -o $((i * 14)) -l 7 $F; done
            fallocate -p -o 8193 -l 30000 $F ) & a=$!
          ( taskset -pc 1 $BASHPID > /dev/null
            for i in $(seq 0 149); do
              printf BBBBBBB |
                dd of=$F bs=7 seek=$((i * 2 + 1)) oflag=direct conv=notrunc status=none
            done ) & b=$!
          wait $a && wait $b
          sync $F
          """
        ).expectSuccess()
        let bytes = try Data(contentsOf: URL(filePath: daemon.backingFile(lun: 1)))
        for stripe in 0..<300 {
          let expected = [UInt8](repeating: stripe % 2 == 0 ? 0 : 0x42, count: 7)
          #expect([UInt8](bytes[stripe * 7..<stripe * 7 + 7]) == expected, "stripe \(stripe)")
        }
        #expect(bytes[2100..<8193].allSatisfy { $0 == 0x41 })
        #expect(bytes[8193..<38_193].allSatisfy { $0 == 0 })
        #expect(bytes[38_193..<65_536].allSatisfy { $0 == 0x41 })
      }
    }

    @Test("end with the connection: its callers get an error, the daemon ends")
    func abort() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await mount(lab, daemon)
        let lun = await mount.shell("echo $T/lun1").value
        daemon.signal(SIGSTOP)
        let readers = try (0..<20).map { index in
          try ManagedProcess(
            [
              "dd", "if=\(lun)", "of=/dev/null", "bs=4096", "count=1", "skip=\(index)",
              "iflag=direct",
            ], output: lab.fresh("reader"))
        }
        try await Task.sleep(for: .milliseconds(300))
        #expect(readers.allSatisfy { $0.status == nil })
        await lab.shell(
          """
          number=$(awk '$5 == "\(mount.path)" { split($3, d, ":"); print d[2] }' \
            /proc/self/mountinfo)
          mkdir control && mount -t fusectl none control
          echo 1 > control/$number/abort; result=$?
          umount control; exit $result
          """
        ).expectSuccess()
        for reader in readers { #expect(await reader.wait(.seconds(5)) == 1) }
        daemon.signal(SIGCONT)
        #expect(await mount.waitForEnd(.seconds(20)) != nil)
        await lab.shell("umount -l \(mount.path) || :").expectSuccess()
      }
    }

    @Test(
      "Where they are switched off, channel=uring says how to switch them on, auto does without")
    func switchedOff() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        _ = try RingSwitch(lab, isOn: false)
        let directory = try lab.makeDirectory("refused")
        let refused = await lab.shell(
          "\(Binary.path) mount \(daemon.address) \(directory) -o channel=uring")
        #expect(refused.status == 79, "\(refused)")
        #expect(refused.output.contains("echo Y > \(RingSwitch.path)"), "\(refused)")
        #expect(refused.lines.count == 1, "\(refused)")
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["channel=auto"])
        #expect(await mount.shell("grep Channel status").value == "Channel: dev")
      }
    }
  }
}
