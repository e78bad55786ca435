import Lab
import SystemPackage
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// Holes, zeros and what is given back: by fallocate(2), loop devices and ext4.
  @Suite("Discard", .requires(.discard))
  struct DiscardTests {
    typealias Configuration = SimulatedLogicalUnit.Configuration

    /// A unit that behaves in a way of its own, and what it must have been asked.
    struct Kind: CustomTestStringConvertible, Sendable {
      let testDescription: String
      var blockLength = 512
      /// Operation codes it refuses as unknown.
      var refused: Set<UInt8> = []
      /// The command by which blocks are given back; nil: none may be.
      var deallocates: UInt8?
      let configure: @Sendable (inout Configuration) -> Void

      var givesBack: Bool { deallocates != nil }
    }

    static let kinds = [
      Kind(testDescription: "WRITE SAME and UNMAP", deallocates: 0x93) { _ in },
      Kind(
        testDescription: "UNMAP of whole units, oddly aligned", blockLength: 4096, deallocates: 0x42
      ) {
        $0.unmapsByWriteSame = false
        $0.unmapLeavesParts = true
        $0.unmapGranularityBlocks = 24
        $0.unmapAlignmentBlocks = 7
        $0.maximumUnmapBlocks = 700
      },
      Kind(testDescription: "UNMAP of far more than the unit", deallocates: nil) {
        $0.unmapsByWriteSame = false
        $0.unmapLeavesParts = true
        $0.unmapGranularityBlocks = 1 << 24
      },
      Kind(testDescription: "no limits told", deallocates: nil) {
        $0.unmapsByWriteSame = false
        $0.maximumUnmapBlocks = 0
        $0.maximumUnmapDescriptors = 0
        $0.maximumWriteSameBlocks = 5
      },
      Kind(testDescription: "without LBPRZ", blockLength: 4096, deallocates: nil) {
        $0.unmappedBlocksReadZeros = false
      },
      Kind(testDescription: "fully provisioned", deallocates: nil) {
        $0.isThinProvisioned = false
      },
      Kind(testDescription: "WRITE SAME refused", refused: [0x93], deallocates: 0x42) { _ in },
      Kind(
        testDescription: "all refused", blockLength: 4096, refused: [0x93, 0x42, 0x9E],
        deallocates: nil
      ) { _ in },
    ]

    @Test(
      "S07 holes and zeros read as zeros, whatever the target is, and nothing else changes",
      arguments: kinds)
    func anyUnit(kind: Kind) async throws {
      try await withLab { lab in
        var configuration = Configuration(
          blockCount: UInt64((8 << 20) / kind.blockLength), blockLength: kind.blockLength)
        kind.configure(&configuration)
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:thin")
        target.add(SimulatedLogicalUnit(configuration), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        if !kind.refused.isEmpty {
          let refused = kind.refused
          server.refuse(refused)
        }
        await mount.shell(Self.script(lab, punches: kind.givesBack)).expectSuccess()
        let unmapping = Set(server.commands.filter(Self.isUnmapping).map(\.operationCode))
        if let code = kind.deallocates {
          #expect(unmapping.contains(code))
        } else if kind.refused.isEmpty {
          #expect(unmapping.isEmpty)
        }
      }
    }

    private static func isUnmapping(_ command: LoggedCommand) -> Bool {
      command.operationCode == 0x42 || command.operationCode == 0x93 && command.cdb[1] & 0x08 != 0
    }

    /// The same into LUN 1 and a plain file, compared through the page cache and past it; where
    /// nothing can be given back, a hole is EOPNOTSUPP and changes nothing.
    private static func script(_ lab: Lab, punches: Bool) -> String {
      """
      set -e
      PUNCHES=\(punches ? "yes" : "")
      F=$T/lun1 R=\(lab.path)/model
      head -c 8388608 /dev/urandom > $R
      dd if=$R of=$F bs=1M conv=notrunc status=none
      clear() {
        if [ $1 = -p ] && [ -z "$PUNCHES" ]; then
          if fallocate -p -o $2 -l $3 $F 2> $R.error; then return 1; fi
          grep -qE 'not supported|is unsupported' $R.error
          cmp $R $F
          return
        fi
        fallocate $1 -o $2 -l $3 $F
        dd if=/dev/zero of=$R bs=64k oflag=seek_bytes iflag=count_bytes seek=$2 count=$3 \\
          conv=notrunc status=none
        cmp $R $F
        cmp $R <(dd if=$F bs=1M iflag=direct status=none)
      }
      clear -p 100001 2000003
      clear -z 3000000 70001
      clear -p 4194304 2097152
      clear -p 6500000 1
      clear -p 6815743 2
      clear -z 8388607 1
      clear -nz 7340032 524288
      printf again | dd of=$F bs=1 seek=5000000 conv=notrunc,fsync status=none
      printf again | dd of=$R bs=1 seek=5000000 conv=notrunc status=none
      cmp $R $F
      """
    }

    @Test("S07 modes that cannot be true are refused: EOPNOTSUPP, ENOSPC, EROFS")
    func refusals() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:modes")
        target.add(SimulatedLogicalUnit(Configuration(blockCount: 2048)), lun: 1)
        var full = Configuration(blockCount: 2048, identity: 2)
        full.isThinProvisioned = false
        target.add(SimulatedLogicalUnit(full), lun: 2)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        await mount.shell("fallocate -l 4096 $T/lun1").expectFailure("not supported")
        await mount.shell("fallocate -l 1M $T/lun2").expectSuccess()
        await mount.shell("fallocate -l 2M $T/lun2").expectFailure("No space left")
        await mount.shell("fallocate -z -o 1M -l 512 $T/lun2").expectFailure("No space left")
        await mount.shell("fallocate -c -o 0 -l 4096 $T/lun2").expectFailure("not supported")
        await mount.shell("fallocate -p -o 1M -l 512 $T/lun2; stat -c %s $T/lun2").expectSuccess()
        #expect(await mount.shell("stat -c %s $T/lun2").value == "1048576")
        server.change { $0.configuration.isWriteProtected = true }
        await mount.shell("fallocate -p -o 0 -l 4096 $T/lun1").expectFailure("Read-only")
      }
    }

    @Test("S07 SEEK_DATA and SEEK_HOLE find what the target has, none while somebody writes")
    func holes() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:holes")
        target.add(SimulatedLogicalUnit(Configuration(blockCount: 1 << 18)), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        await mount.shell(
          """
          for mebibyte in 0 50; do
            dd if=/dev/urandom of=$T/lun1 bs=1M seek=$mebibyte count=1 conv=notrunc status=none
          done
          """
        ).expectSuccess()
        let path = await mount.shell("echo $T/lun1").value
        let file = try OpenFile(path, .readOnly)
        // The kernel tells of the last close when it has time: until then all is data.
        let isTold = try await eventually { try file.seek(.hole, from: 0) == 1 << 20 }
        #expect(isTold)
        #expect(try file.seek(.data, from: 1 << 20) == 50 << 20)
        #expect(try file.seek(.hole, from: 50 << 20) == 51 << 20)
        #expect(throws: Errno.noSuchAddressOrDevice) { try file.seek(.data, from: 51 << 20) }
        #expect(throws: Errno.noSuchAddressOrDevice) { try file.seek(.hole, from: 1 << 27) }
        // Bytes in a mapping have not come to the target yet: nothing may be called a hole.
        let mapping = try MappedFile(path, byteCount: 32 << 20)
        mapping[20 << 20] = 77
        #expect(try file.seek(.hole, from: 0) == 1 << 27)
        #expect(try file.seek(.data, from: 1 << 20) == 1 << 20)
      }
    }

    @Test("S07 a session that drops again and again costs time; what fsync covered outlives power")
    func drops() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:drops")
        var configuration = Configuration(blockCount: 32_768)
        configuration.hasVolatileCache = true
        configuration.maximumWriteSameBlocks = 64
        configuration.unmapGranularityBlocks = 1
        target.add(SimulatedLogicalUnit(configuration), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        async let clearing = mount.shell(
          """
          set -e
          F=$T/lun1 R=\(lab.path)/model
          head -c 16777216 /dev/urandom > $R
          # A session lost before a flush is an fsync's error, once: then it is done again (E29).
          for i in 0 1 2 3 4 5; do
            until dd if=$R of=$F bs=1M conv=notrunc,fsync status=none &&
              fallocate -p -o 1000 -l 16000000 $F && sync $F
            do tries=$((tries + 1)); [ $tries -le 6 ]; done
          done
          """, limit: .seconds(90))
        for _ in 0..<3 {
          try await Task.sleep(for: .milliseconds(400))
          server.reset()
        }
        await clearing.expectSuccess()
        server.change { $0.powerCycle() }
        await mount.shell(
          """
          set -e
          R=\(lab.path)/model
          dd if=/dev/zero of=$R bs=64k oflag=seek_bytes iflag=count_bytes seek=1000 \\
            count=16000000 conv=notrunc status=none
          cmp $R <(dd if=$T/lun1 bs=1M iflag=direct status=none)
          """
        ).expectSuccess()
      }
    }

    @Test(
      "S07 a loop device discards: blkdiscard, mkfs.ext4, fstrim; tgt's file gives its space back",
      .requires(.tgtd, .loop, .ext4))
    func loop() async throws {
      try await withLab { lab in
        let unit = TargetDaemon.Unit(lun: 1, mebibytes: 96, isThin: true)
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: [unit])])
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let directory = try lab.makeDirectory("ext4")
        let file = daemon.backingFile()
        await mount.shell("dd if=/dev/urandom of=$T/lun1 bs=1M count=96 conv=notrunc,fsync")
          .expectSuccess()
        let lun = await mount.shell("echo $T/lun1").value
        let device = try await LoopDevice.attach(lab, to: lun)
        let result = await mount.shell(
          """
          set -e
          kibibytes() { du -k \(file) | cut -f1; }
          [ $(cat /sys/block/$(basename \(device.path))/queue/discard_max_bytes) -gt 0 ]
          [ $(kibibytes) -ge 98304 ]
          blkdiscard -o 1048576 -l 8388608 \(device.path)
          cmp -n 8388608 <(dd if=\(device.path) bs=1M skip=1 count=8 status=none) /dev/zero
          [ $(kibibytes) -le 90200 ]
          blkdiscard -z -o 16777216 -l 1048576 \(device.path)
          cmp -n 1048576 <(dd if=\(device.path) bs=1M skip=16 count=1 status=none) /dev/zero
          mkfs.ext4 -q \(device.path)
          [ $(kibibytes) -le 20000 ]
          mount \(device.path) \(directory)
          dd if=/dev/urandom of=\(directory)/kept bs=1M count=5 status=none
          dd if=/dev/urandom of=\(directory)/gone bs=1M count=40 status=none
          sha256sum \(directory)/kept > \(lab.path)/sum
          sync -f \(directory)
          [ $(kibibytes) -ge 40000 ]
          rm \(directory)/gone
          sync -f \(directory)
          fstrim -v \(directory)
          [ $(kibibytes) -le 30000 ]
          umount \(directory)
          e2fsck -fn \(device.path)
          mount \(device.path) \(directory)
          sha256sum -c \(lab.path)/sum
          umount \(directory)
          """)
        result.expectSuccess()
      }
    }

    @Test(
      "S07 on a LUN that gives nothing back mkfs discards nothing, and zeroes what it must",
      .requires(.loop, .ext4))
    func loopOnFull() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:full")
        var full = Configuration(blockCount: 1 << 17)
        full.isThinProvisioned = false
        target.add(SimulatedLogicalUnit(full), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let lun = await mount.shell("echo $T/lun1").value
        let device = try await LoopDevice.attach(lab, to: lun)
        await mount.shell(
          """
          set -e
          head -c 4194304 /dev/urandom > \(lab.path)/model
          dd if=\(lab.path)/model of=\(device.path) bs=1M oflag=direct status=none
          # The block layer forgives what a device cannot discard.
          blkdiscard \(device.path)
          cmp -n 4194304 \(lab.path)/model \(device.path)
          blkdiscard -z -o 1048576 -l 1048576 \(device.path)
          cmp -n 1048576 <(dd if=\(device.path) bs=1M skip=1 count=1 status=none) /dev/zero
          mkfs.ext4 -q \(device.path)
          e2fsck -fn \(device.path)
          """
        ).expectSuccess()
        let zeroed = server.commands.filter { $0.operationCode == 0x93 }
        #expect(!zeroed.contains { $0.cdb[1] & 0x08 != 0 })
        let blocks = zeroed.reduce(0) { $0 + Int($1.cdb.number(at: 10, count: 4)) }
        #expect(blocks < 1 << 16, "\(blocks) blocks are zeroed of \(1 << 17)")
      }
    }

    @Test(
      "S07 tgt, thin and not, in every cache mode: holes and zeros read as zeros", .requires(.tgtd),
      arguments: zip([true, true, true, false], ["read", "none", "writeback", "read"]))
    func tgt(isThin: Bool, cache: String) async throws {
      try await withLab { lab in
        let unit = TargetDaemon.Unit(lun: 1, mebibytes: 8, isThin: isThin)
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: [unit])])
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["cache=\(cache)"])
        await mount.shell(Self.script(lab, punches: isThin)).expectSuccess()
        await mount.shell("sync $T/lun1; cmp \(lab.path)/model \(daemon.backingFile())")
          .expectSuccess()
        let used = await mount.shell("du -k \(daemon.backingFile()) | cut -f1")
        let kibibytes = try #require(Int(used.value))
        #expect(isThin ? kibibytes <= 4_400 : kibibytes >= 8_192, "\(used)")
      }
    }

    @Test("S07 istgt, which gives nothing back: zeros read as zeros", .requires(.istgt))
    func istgt() async throws {
      try await withLab { lab in
        let target = ISTGTDaemon.Target(mebibytes: [8, 8])
        let daemon = try await ISTGTDaemon.start(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        await mount.shell(Self.script(lab, punches: false)).expectSuccess()
      }
    }

    @Test("S07 tshark reads our CDBs and lists as we mean them", .requires(.tshark))
    func dissected() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:oracle")
        var unmaps = Configuration(blockCount: 8192)
        unmaps.unmapsByWriteSame = false
        target.add(SimulatedLogicalUnit(unmaps), lun: 1)
        target.add(SimulatedLogicalUnit(Configuration(blockCount: 8192, identity: 2)), lun: 2)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let file = lab.fresh("session.pcap")
        await mount.shell(
          """
          set -e
          cat $T/sessions/1/capture > \(file) &
          until [ -s \(file) ]; do sleep 0.02; done
          fallocate -p -o 131072 -l 1048576 $T/lun1
          fallocate -p -o 131072 -l 1048576 $T/lun2
          fallocate -z -o 65536 -l 4096 $T/lun2
          echo logout > $T/control
          wait
          """
        ).expectSuccess()
        let port = server.address.split(separator: ":").last ?? ""
        let wanted =
          "^ +(Opcode:|LBA:|Num Blocks:|Logical Block Address|Transfer Length|.*(UNMAP|ANCHOR):)"
        let rows = await lab.shell(
          "tshark -n -r \(file) -d tcp.port==\(port),iscsi -V -Y 'scsi_sbc.opcode in {66,147,158}'"
            + " 2>/dev/null | grep -E '\(wanted)' | sed 's/^ *//'")
        // UNMAP and its list; GET LBA STATUS and its answer; WRITE SAME for a hole and for zeros.
        #expect(
          rows.lines == [
            "Opcode: Unmap (0x42)", ".... ...0 = ANCHOR: False", "LBA: 256", "Num Blocks: 2048",
            "Opcode: Service Action In(16) (0x9e)", "LBA: 256", "LBA: 256", "Num Blocks: 7936",
            "Opcode: Write Same(16) (0x93)", "...0 .... = ANCHOR: False",
            ".... 1... = UNMAP: True", "Logical Block Address (LBA): 0000000000000100",
            "Transfer Length: 2048",
            "Opcode: Write Same(16) (0x93)", "...0 .... = ANCHOR: False",
            ".... 0... = UNMAP: False", "Logical Block Address (LBA): 0000000000000080",
            "Transfer Length: 8",
          ], "\(rows)")
        let wrong = await lab.shell(
          "tshark -n -r \(file) -d tcp.port==\(port),iscsi -Y '_ws.malformed' 2>/dev/null")
        #expect(wrong.output == "", "\(wrong)")
      }
    }
  }
}
