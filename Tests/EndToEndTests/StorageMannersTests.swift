import FoundationEssentials
import Lab
import TargetSimulator
import Testing

extension EndToEnd {
  /// What the kernel is asked for, read back from /proc.
  @Suite("Manners of a storage daemon", .requires(.root))
  struct StorageMannersTests {
    /// PF_MEMALLOC_NOIO of the kernel's include/linux/sched.h.
    private static let memallocNoIO = 0x0008_0000

    private func mounted(_ lab: Lab, _ options: [String] = []) async throws -> MountedFileSystem {
      let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:manners")
      target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 1)
      let server = try SimulatedPortalServer(lab, [target])
      return try await MountedFileSystem.startInForeground(lab, .mount(server.address))
    }

    @Test("its memory is locked, its threads begin no I/O to get some, and others are ended first")
    func adopted() async throws {
      try await withLab { lab in
        let mount = try await mounted(lab)
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        let process = try #require(mount.foreground?.processID)
        let locked = await lab.shell("awk '/VmLck/ { print $2 }' /proc/\(process)/status")
        #expect((Int(locked.value) ?? 0) > 1024, "\(locked)")
        // Locked as used: the stacks of the threads are not.
        let limit = await lab.shell("awk '/VmRSS/ { print $2 }' /proc/\(process)/status")
        #expect((Int(limit.value) ?? .max) < 64 * 1024, "\(limit)")
        let said = mount.foreground?.output ?? ""
        guard Requirement.mayUseResources else {
          // A root without CAP_SYS_RESOURCE, as in many containers, is told what it lacks.
          #expect(said.contains("the kernel may wait for our own I/O (Operation"), "\(said)")
          #expect(!said.contains("memory is not locked"), "\(said)")
          return
        }
        #expect(await lab.shell("cat /proc/\(process)/oom_score_adj").value == "-1000")
        let flags = await lab.shell(
          """
          for t in /proc/\(process)/task/*; do
            echo "$(cat $t/comm) $(sed 's/.*) //' $t/stat | cut -d' ' -f7)"
          done
          """)
        let reactors = flags.lines.filter { $0.hasPrefix("reactor") }
        #expect(!reactors.isEmpty, "\(flags)")
        for line in reactors {
          let value = line.split(separator: " ").last.flatMap { Int($0) } ?? 0
          #expect(value & Self.memallocNoIO != 0, "\(line)")
        }
        #expect(!said.contains("CAP_SYS_RESOURCE"), "\(said)")
      }
    }

    @Test("who may not is told so once, and served all the same")
    func notAllowed() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: "iqn.2026-11.org.iscsifs:manners")
        target.add(SimulatedLogicalUnit(.init(blockCount: 2048)), lun: 1)
        let server = try SimulatedPortalServer(lab, [target])
        let program = try lab.write(
          """
          #!/bin/sh
          ulimit -l 0
          exec setpriv --bounding-set -ipc_lock,-sys_resource --inh-caps -ipc_lock,-sys_resource \\
            \(Binary.path) "$@"

          """, mode: 0o755)
        // A ring is memory the kernel locks: who may lock none gets /dev/fuse, or nothing.
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(server.address), options: ["channel=dev"], program: program)
        #expect(await eventually { await mount.shell("cat $T/state").value == "LOGGED_IN" })
        let said = mount.foreground?.output ?? ""
        #expect(said.contains("(CAP_IPC_LOCK, CAP_SYS_RESOURCE): memory is not locked"), "\(said)")
        #expect(said.contains("we may be ended for want of memory"), "\(said)")
        await mount.shell("dd if=$T/lun1 of=/dev/null bs=4k count=1 iflag=direct").expectSuccess()
      }
    }
  }
}
