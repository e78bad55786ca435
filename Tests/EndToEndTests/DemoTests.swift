import Lab
import Testing

extension EndToEnd {
  /// `iscsifs demo` and what needs no other software.
  @Suite("Demo")
  struct DemoTests {
    @Test("Two LUNs in memory, of 512 and 4096 byte blocks, for reading and writing")
    func demo() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.startInForeground(lab, .demo)
        #expect(await eventually { await mount.shell("test -e $T/lun2").status == 0 })
        #expect(
          await mount.shell("cat $T/lun1.info/logical_block_size $T/lun2.info/logical_block_size")
            .lines == ["512", "4096"])
        #expect(
          await mount.shell("stat -c %s $T/lun1 $T/lun2").lines == ["268435456", "268435456"])
        await mount.shell(
          """
          set -e
          head -c 9999999 /dev/urandom > $M/../model
          for lun in 1 2; do
            dd if=$M/../model of=$T/lun$lun bs=70001 seek=1 conv=notrunc,fsync status=none
            cmp $M/../model <(dd if=$T/lun$lun bs=70001 skip=1 count=143 status=none \\
              | head -c 9999999)
          done
          """
        ).expectSuccess()
        await mount.shell("$ISCSIFS unmount $M").expectFailure("in use")
        await lab.shell("\(Binary.path) unmount \(mount.path)").expectSuccess()
        #expect(await mount.waitForEnd() == 0)
      }
    }

    @Test("A loop device on the demo's LUN carries ext4", .requires(.loop, .ext4))
    func loopDevice() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(lab, .demo)
        for lun in [1, 2] {
          let file = await mount.shell("echo $T/lun\(lun)").value
          let device = try await LoopDevice.attach(lab, to: file)
          let files = try lab.makeDirectory("ext4")
          await lab.shell(
            """
            set -e
            mkfs.ext4 -q \(device.path)
            mount \(device.path) \(files)
            cp -r /usr/include \(files)/ && diff -r /usr/include \(files)/include
            umount \(files)
            e2fsck -fn \(device.path)
            """
          ).expectSuccess()
          #expect(await device.detach().status == 0)
        }
      }
    }

    @Test("-o ro refuses every write, umask and uid show in the modes")
    func options() async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(
          lab, .demo, options: ["ro", "uid=65534", "gid=65534", "umask=077"])
        await mount.shell("printf x | dd of=$T/lun1 conv=notrunc")
          .expectFailure("Read-only file system")
        #expect(await mount.shell("stat -c '%u %g %a' status").value == "65534 65534 400")
        await mount.expectServing()
      }
    }

    @Test("Help, version and completions need nothing")
    func help() async throws {
      for arguments in ["--help", "help mount", "--version", "--generate-completion-script bash"] {
        let result = await Shell.run("\(Binary.path) \(arguments)")
        result.expectSuccess()
        #expect(!result.output.isEmpty)
      }
      let mistake = await Shell.run("\(Binary.path) muont 127.0.0.1 /mnt")
      #expect(mistake.status == 64, "\(mistake)")
    }
  }
}
