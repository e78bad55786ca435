import Lab
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// What a target may say, and what may not come of it.
  @Suite("Hostile target")
  struct HostileTargetTests {
    @Test("A LUN with blocks of 520 bytes is no file that could lie; its neighbours work")
    func oddBlocks() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:odd")
        target.add(unit(1), lun: 1)
        target.add(unit(2, blockLength: 520), lun: 2)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        #expect(await mount.shell("cat $T/state").value == "LOGGED_IN")
        let opened = await mount.shell("head -c 1 $T/lun2")
        #expect(opened.status != 0, "\(opened)")
        let state = await mount.shell("cat $T/lun2.info/state $T/lun2.info/last_error")
        #expect(state.lines.first == "offline", "\(state)")
        #expect(state.output.contains("520"), "\(state)")
        #expect(await mount.shell("cat $T/lun1.info/last_error").value == "0 SUCCESS")
        try await expectWorking(mount, lun: 1)
      }
    }

    @Test("Names with /, .. and escape codes stay one harmless directory each")
    func names() async throws {
      try await withLab { lab in
        let names = [
          "iqn.2026-11.org.iscsifs:good", "iqn.2026-11.org.x:a/../../../etc", "..", ".",
          "iqn.2026-11.org.x:\u{1B}[31mred", "iqn.2026-11.org.x:\u{1B}]0;title\u{7}", "/etc/passwd",
        ]
        let targets = names.enumerated().map { index, name in
          let target = SimulatedTarget(name: name)
          target.add(unit(UInt32(index + 1)), lun: 1)
          return target
        }
        let server = try SimulatedPortalServer(lab, targets)
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let listing = await mount.shell("LC_ALL=C ls -A targets | cat -v")
        #expect(!listing.output.contains("^["), "\(listing)")
        #expect(!listing.output.contains("/"), "\(listing)")
        #expect(listing.lines.contains("iqn.2026-11.org.iscsifs:good"), "\(listing)")
        #expect(!listing.lines.contains(".."), "\(listing)")
        // What is below targets/ is below targets/, by whatever way.
        let paths = await mount.shell("find . -name passwd -o -name etc; ls")
        #expect(!paths.output.contains("etc"), "\(paths)")
        let escapes = await mount.shell(
          """
          { cat status last_error targets/*/last_error; ls -R targets by-id by-path; \
          $ISCSIFS status $M; $ISCSIFS status --json $M; \
          $ISCSIFS discover \(server.address) -o state=$M/../state; } 2>&1 | \
          LC_ALL=C grep -c -P '[\\x00-\\x08\\x0b-\\x1f\\x7f]'
          """)
        #expect(escapes.value == "0", "\(escapes)")
        #expect(await mount.shell("cat targets/*:good/state").value == "LOGGED_IN")
        try await expectWorking(mount, lun: 1, in: "targets/iqn.2026-11.org.iscsifs:good")
      }
    }

    @Test("A LUN nobody lists gets no file; qualifier 3Fh in the list gets none either")
    func unlisted() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:list")
        target.add(unit(1), lun: 1)
        let hidden = unit(2)
        hidden.configuration.isListed = false
        target.add(hidden, lun: 2)
        let absent = unit(3)
        absent.configuration.peripheralQualifier = 1
        absent.configuration.deviceType = 0x1F
        target.add(absent, lun: 3)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let names = await mount.shell("ls $T | grep lun")
        #expect(names.lines == ["lun1", "lun1.info"], "\(names)")
        let commands = server.commands
        #expect(!commands.contains { $0.logicalUnitNumber == SimulatedTarget.encoded(lun: 2) })
        #expect(commands.count { $0.logicalUnitNumber == SimulatedTarget.encoded(lun: 3) } == 1)
      }
    }

    @Test("A target that closes every connection in full feature phase costs time, not data")
    func drops() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:drops")
        target.add(unit(1), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let mount = try await MountedFileSystem.start(lab, .mount(server.address))
        let file = try lab.write(String(repeating: "0123456789abcdef", count: 65536))
        async let copy = mount.shell(
          """
          set -e
          for i in 0 1 2 3 4 5 6 7; do
            dd if=\(file) of=$T/lun1 bs=16k seek=$((i * 64)) oflag=direct conv=notrunc status=none
            cmp \(file) <(dd if=$T/lun1 bs=1M skip=$i count=1 iflag=direct status=none)
          done
          """, limit: .seconds(90))
        for _ in 0..<3 {
          try await Task.sleep(for: .milliseconds(300))
          server.reset()
        }
        await copy.expectSuccess()
        // The last reset may have come when all was copied: who recovers is not logged in yet.
        let isBack = await eventually(.seconds(10)) {
          await mount.shell("cat $T/state").value == "LOGGED_IN"
        }
        #expect(isBack)
      }
    }

    private func unit(_ identity: UInt32, blockLength: Int = 512) -> SimulatedLogicalUnit {
      SimulatedLogicalUnit(
        SimulatedLogicalUnit.Configuration(
          blockCount: 32768, blockLength: blockLength, identity: identity))
    }

    private func expectWorking(
      _ mount: MountedFileSystem, lun: Int, in directory: String = "$T"
    ) async throws {
      await mount.shell(
        """
        F=\(directory)/lun\(lun)
        printf working | dd of=$F bs=7 seek=9 conv=notrunc,fsync status=none
        cmp <(printf working) <(dd if=$F bs=7 skip=9 count=1 status=none)
        """
      ).expectSuccess()
    }
  }
}
