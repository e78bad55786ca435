import Lab
import Testing

extension EndToEnd {
  /// Any offset and length, by every way there is into a file, against a model file.
  @Suite("Patterns", .requires(.tgtd))
  struct PatternTests {
    /// Blocks of 512 and of 4096 bytes.
    private static let units = [
      TargetDaemon.Unit(lun: 1, mebibytes: 8),
      TargetDaemon.Unit(lun: 2, mebibytes: 8, blockSize: 4096),
    ]

    /// Writes pieces of `bs` at odd places into LUN and model, then compares whole and in pieces.
    @Test(
      "dd of any block size gives what a plain file gives",
      arguments: [1, 2], [1, 511, 513, 4096, 65537, 1 << 20])
    func blockSizes(lun: Int, blockSize: Int) async throws {
      let count = blockSize == 1 ? 300 : max(1, min(40, (3 << 20) / blockSize))
      try await withMount { mount, daemon in
        await mount.shell(
          """
          set -e
          F=$T/lun\(lun) R=\(daemon.backingFile()).model
          dd if=/dev/urandom of=$R bs=1M count=8 status=none
          dd if=$R of=$F bs=1M conv=notrunc status=none
          for seek in 0 3 5; do
            dd if=/dev/urandom of=$R.piece bs=\(blockSize) count=\(count) status=none
            for to in $R $F; do
              dd if=$R.piece of=$to bs=\(blockSize) seek=$seek conv=notrunc status=none
            done
          done
          cmp $F $R
          cmp <(dd if=$F bs=\(blockSize) skip=2 count=\(count) status=none) \\
            <(dd if=$R bs=\(blockSize) skip=2 count=\(count) status=none)
          cmp <(dd if=$F bs=1M iflag=direct status=none) $R
          sync -d $F
          cmp $R \(daemon.backingFile(lun: lun))
          """
        ).expectSuccess()
      }
    }

    @Test("Direct and buffered writes of one LUN see each other", arguments: [1, 2])
    func direct(lun: Int) async throws {
      try await withMount { mount, daemon in
        await mount.shell(
          """
          set -e
          F=$T/lun\(lun) R=\(daemon.backingFile()).model
          dd if=/dev/urandom of=$R bs=1M count=8 status=none
          cp $R $R.old
          dd if=$R of=$F bs=1M oflag=direct conv=notrunc status=none
          cmp $F $R
          i=0
          for bs in 4096 513 65536 65537 1; do
            for flags in "" oflag=direct; do
              i=$((i + 1))
              dd if=/dev/urandom of=$R.piece bs=$bs count=5 status=none
              cat $F > /dev/null
              dd if=$R.piece of=$F bs=$bs seek=$i $flags conv=notrunc status=none
              dd if=$R.piece of=$R bs=$bs seek=$i conv=notrunc status=none
              cmp $F $R
              cmp <(dd if=$F bs=65536 iflag=direct status=none) $R
            done
          done
          """
        ).expectSuccess()
      }
    }

    @Test("A mapped LUN, reads and writes agree, both ways", arguments: [1, 2])
    func mapped(lun: Int) async throws {
      try await withMount { mount, _ in
        let path = await mount.shell("echo $T/lun\(lun)").value
        let file = try MappedFile(path, byteCount: 1 << 20)
        // Mapped, then written beside: direct, buffered.
        _ = file[5000]
        await mount.shell(
          """
          set -e
          head -c 65536 /dev/zero | tr '\\0' D > $M/../piece; F=$T/lun\(lun)
          dd if=$M/../piece of=$F bs=65536 oflag=direct conv=notrunc status=none
          printf buffered | dd of=$F bs=1 seek=70000 conv=notrunc status=none
          """
        ).expectSuccess()
        #expect(file[0] == UInt8(ascii: "D") && file[5000] == UInt8(ascii: "D"))
        #expect(file[70000] == UInt8(ascii: "b") && file[70007] == UInt8(ascii: "d"))
        // Written by the mapping, then read beside.
        file[100] = UInt8(ascii: "m")
        file[200_001] = UInt8(ascii: "n")
        #expect(file.synchronize())
        let reads = await mount.shell(
          """
          F=$T/lun\(lun)
          dd if=$F bs=1 skip=100 count=1 status=none; dd if=$F bs=1 skip=200001 count=1 status=none
          dd if=$F bs=4096 count=1 iflag=direct status=none | head -c 101 | tail -c 1
          dd if=$F bs=4096 skip=48 count=1 iflag=direct status=none | head -c 3394 | tail -c 1
          """)
        #expect(reads.output == "mnmn", "\(reads)")
      }
    }

    @Test("Writers in one block lose nothing of each other", arguments: [1, 2])
    func oneBlock(lun: Int) async throws {
      try await withMount { mount, daemon in
        await mount.shell(
          """
          set -e
          F=$T/lun\(lun)
          for w in 0 1 2 3 4 5 6 7; do
            flags=$([ $w -lt 4 ] || echo oflag=direct)
            head -c 1525 /dev/zero | tr '\\0' $w |
              dd of=$F bs=61 seek=$((w * 25)) conv=notrunc status=none $flags iflag=fullblock &
          done
          wait
          for w in 0 1 2 3 4 5 6 7; do head -c 1525 /dev/zero | tr '\\0' $w; done > $M/../want
          cmp -n 12200 $F $M/../want
          sync -d $F
          cmp -n 12200 \(daemon.backingFile(lun: lun)) $M/../want
          """
        ).expectSuccess()
      }
    }

    @Test("The end: short reads, nothing past it, ENOSPC for writes", arguments: [1, 2])
    func end(lun: Int) async throws {
      try await withMount { mount, _ in
        let result = await mount.shell(
          """
          F=$T/lun\(lun)
          dd if=$F bs=1000 skip=8388 status=none | wc -c
          dd if=$F bs=4096 skip=2048 status=none | wc -c
          dd if=$F bs=1M skip=9 status=none | wc -c
          stat -c '%s %b' $F
          """)
        #expect(result.lines.suffix(4) == ["608", "0", "0", "8388608 16384"], "\(result)")
        for flag in ["", "oflag=direct"] {
          await mount.shell("dd if=/dev/zero of=$T/lun\(lun) bs=4096 seek=2048 count=1 \(flag)")
            .expectFailure("No space left on device")
          // What fits is written, the rest is refused.
          await mount.shell("dd if=/dev/zero of=$T/lun\(lun) bs=8192 seek=1023 count=2 \(flag)")
            .expectFailure("No space left on device")
        }
        await mount.shell("head -c 9000000 /dev/zero > $T/lun\(lun)")
          .expectFailure("No space left on device")
        #expect(await mount.shell("cat $T/lun\(lun) | wc -c").value == "8388608")
      }
    }

    @Test("O_TRUNC changes nothing, other sizes and every change of names are refused")
    func refusals() async throws {
      try await withMount { mount, _ in
        await mount.shell(
          """
          set -e
          printf kept | dd of=$T/lun1 conv=notrunc status=none
          : > $T/lun1; truncate -s 8388608 $T/lun1
          [ "$(head -c 4 $T/lun1)" = kept ]
          [ "$(stat -c %s $T/lun1)" = 8388608 ]
          """
        ).expectSuccess()
        let refused = [
          ("truncate -s 512 $T/lun1", "Operation not permitted"),
          ("truncate -s 9G $T/lun1", "File too large"),
          ("touch $T/new", "Operation not permitted"),
          ("mkdir new", "Operation not permitted"),
          ("ln -s a b", "Operation not permitted"),
          ("rm $T/lun1", "Operation not permitted"),
          ("rmdir targets", "Operation not permitted"),
          ("mv $T/lun1 $T/lun9", "Operation not permitted"),
          ("chmod 644 $T/lun1", "Operation not permitted"),
          ("chown 1:1 $T/lun1", "Operation not permitted"),
        ]
        for (command, error) in refused { await mount.shell(command).expectFailure(error) }
        await mount.shell("cmp -n 4 <(printf kept) $T/lun1").expectSuccess()
      }
    }

    private func withMount(
      _ body: (MountedFileSystem, TargetDaemon) async throws -> Void
    ) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: Self.units)])
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        try await body(mount, daemon)
      }
    }
  }
}
