import Glibc
import Lab
import Testing

extension EndToEnd {
  /// Coming and going: of mounts, of the daemon, of its users.
  @Suite("Mounting", .requires(.tgtd))
  struct MountingTests {
    @Test("Two mounts of one target at once, each with a session of its own")
    func twoMounts() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let one = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let two = try await MountedFileSystem.start(lab, .mount(daemon.address))
        #expect(await daemon.sessionCount() == 2)
        await one.shell("printf hello | dd of=$T/lun1 conv=notrunc,fsync status=none")
          .expectSuccess()
        #expect(await two.shell("head -c 5 $T/lun1").value == "hello")
        await one.unmount().expectSuccess()
        #expect(await eventually { await daemon.sessionCount() == 1 })
        #expect(await two.shell("cat $T/state; head -c 5 $T/lun1").value == "LOGGED_IN\nhello")
      }
    }

    @Test("A mount point in use is refused, and what is mounted there goes on")
    func mountedAlready() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        for work in ["mount \(daemon.address)", "demo"] {
          let second = await lab.shell("\(Binary.path) \(work) \(mount.path)")
          #expect(second.status == 75, "\(second)")
          #expect(
            second.value == "iscsifs: \(mount.path): iscsifs has \(daemon.address) mounted here "
              + "already; do: iscsifs unmount \(mount.path)")
        }
        await mount.expectServing()
        await lab.shell("\(Binary.path) unmount \(mount.path)").expectSuccess()
        #expect(await !mount.isMounted())
        let again = await lab.shell("\(Binary.path) unmount \(mount.path)")
        #expect(again.status == 80, "\(again)")
      }
    }

    @Test("32 LUNs are 32 files, each its own")
    func manyUnits() async throws {
      try await withLab { lab in
        let units = (1...32).map { TargetDaemon.Unit(lun: $0, mebibytes: 1) }
        let daemon = try await TargetDaemon.start(lab, [TargetDaemon.Target(units: units)])
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        #expect(await mount.shell("ls -d $T/lun* | grep -cv info").value == "32")
        #expect(await mount.shell("ls by-id | wc -l; ls by-path | wc -l").lines == ["32", "32"])
        await mount.shell(
          """
          set -e
          for i in $(seq 32); do
            printf "LUN $i" | dd of=$T/lun$i bs=1 seek=777 conv=notrunc,fsync status=none &
          done
          wait
          for i in $(seq 32); do
            [ "$(dd if=$T/lun$i bs=1 skip=777 count=7 status=none | tr -d '\\0')" = "LUN $i" ]
          done
          """
        ).expectSuccess()
        let read = await lab.shell(
          "dd if=\(daemon.backingFile(lun: 31)) bs=1 skip=777 count=6 status=none")
        #expect(read.value == "LUN 31")
      }
    }

    @Test(
      "kill -9 of the daemon releases its callers, and the directory can be mounted again at once",
      arguments: ["umount", "umount -l", ":"])
    func killed(cleanup: String) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(lab, .mount(daemon.address))
        let lun = await mount.shell("echo $T/lun1").value
        // A caller that waits for a target that hangs.
        daemon.signal(SIGSTOP)
        let reader = try ManagedProcess(
          ["dd", "if=\(lun)", "of=/dev/null", "bs=4096", "count=1", "iflag=direct"],
          output: lab.fresh("reader"))
        try await Task.sleep(for: .milliseconds(300))
        #expect(reader.status == nil)
        #expect(kill(mount.daemonID, SIGKILL) == 0)
        #expect(await reader.wait(.seconds(5)) == 1, "\(reader.output)")
        daemon.signal(SIGCONT)
        #expect(await eventually { !mount.isRunning })
        await mount.shell("ls $M").expectFailure("Transport endpoint is not connected")
        await lab.shell("\(cleanup) \(mount.path)").expectSuccess()
        let again = try await MountedFileSystem.start(
          lab, .mount(daemon.address), at: mount.path)
        await again.expectServing()
      }
    }

    @Test(
      "SIGTERM and SIGINT log out, unmount and exit 0, also while a file is open",
      arguments: [SIGTERM, SIGINT], [false, true])
    func signals(signal: Int32, isOpen: Bool) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let holder = try ManagedProcess(
          ["bash", "-c", isOpen ? "sleep 60 < \(mount.path)/targets/*/lun1" : "exit 0"],
          output: lab.fresh("holder"))
        try await Task.sleep(for: .milliseconds(200))
        mount.foreground?.signal(signal)
        #expect(await mount.waitForEnd(.seconds(10)) == 0, "\(mount.foreground?.output ?? "")")
        #expect(await !mount.isMounted())
        #expect(await daemon.sessionCount() == 0)
        await holder.killGroup()
        await lab.shell("rmdir \(mount.path) && mkdir \(mount.path)").expectSuccess()
      }
    }

    @Test("told to end while the first login waits for a silent portal, it ends at once")
    func signalBeforeReady() async throws {
      try await withLab { lab in
        let silent = try PortServer(lab, .silent)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(silent.address))
        mount.foreground?.signal(SIGTERM)
        #expect(await mount.waitForEnd(.seconds(10)) == 0, "\(mount.foreground?.output ?? "")")
        #expect(await !mount.isMounted())
        let output = mount.foreground?.output ?? ""
        #expect(output.contains("told to end"), "\(output)")
      }
    }

    @Test("umount is refused while a file is open; umount -l serves it until it is closed")
    func lazyUnmount() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.startInForeground(lab, .mount(daemon.address))
        #expect(await eventually { await mount.shell("test -e $T/lun1").status == 0 })
        let result = await mount.shell(
          """
          exec 3<> $T/lun1
          cd /
          umount $M && echo unmounted
          umount -l $M && echo lazy
          ls $M | wc -l
          printf late >&3 && echo written
          sync /dev/fd/3 && echo synced
          exec 3>&-
          """)
        #expect(!result.lines.contains("unmounted"), "\(result)")
        #expect(result.output.contains("busy"), "\(result)")
        #expect(result.lines.suffix(4) == ["lazy", "0", "written", "synced"], "\(result)")
        #expect(await mount.waitForEnd(.seconds(10)) == 0, "\(mount.foreground?.output ?? "")")
        #expect(await daemon.sessionCount() == 0)
        #expect(await lab.shell("head -c 4 \(daemon.backingFile())").value == "late")
      }
    }

    @Test("mount -t iscsifs and umount work through mount.iscsifs", .requires(.namespaces))
    func mountHelper() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mountpoint = try lab.makeDirectory("mnt")
        let programs = try lab.makeDirectory("sbin")
        // A namespace of its own with another /usr/sbin: nothing of it is left when it ends.
        let script = try lab.write(
          """
          set -e
          M=\(mountpoint)
          sbin=$(readlink -f /sbin)
          mount --bind $sbin \(programs)
          mount -t tmpfs none $sbin
          for f in \(programs)/*; do ln -s $f $sbin/; done
          ln -s \(Binary.path) $sbin/mount.iscsifs
          trap 'umount -l $M 2>/dev/null' EXIT
          mount -t iscsifs \(daemon.address) $M -o login=manual,state=\(lab.path)/state
          grep -c " $M fuse.iscsifs" /proc/self/mounts
          cat $M/targets/*/state
          echo login > $M/targets/*/control
          cat $M/targets/*/state
          umount $M
          mount -t iscsifs 127.0.0.1:1 $M -o state=\(lab.path)/state || echo "status $?"
          mount -t iscsifs \(daemon.address) $M -o bogus || echo "status $?"
          """)
        let result = await lab.shell("unshare -m bash \(script)")
        #expect(
          result.lines == [
            "1", "LOGGED_OUT", "LOGGED_IN", "iscsifs: 127.0.0.1:1: connection refused",
            "status 32",
            "iscsifs: -o bogus: not an option iscsifs knows; iscsifs help mount lists them",
            "status 1",
          ], "\(result)")
        #expect(await eventually { await daemon.sessionCount() == 0 })
      }
    }

    @Test(
      "An ordinary user mounts, works and unmounts with fusermount3",
      .requires(.namespaces, .fusermount))
    func ordinaryUser() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let home = try lab.makeDirectory("home")
        // /dev/fuse may be root's alone here: the namespace gets a node of its own.
        let script = try lab.write(
          """
          set -e
          mkdir \(lab.path)/dev && mount -t tmpfs -o mode=755 none \(lab.path)/dev
          mknod -m 666 \(lab.path)/dev/fuse c 10 229
          mount --bind \(lab.path)/dev/fuse /dev/fuse
          cp \(Binary.path) \(home)/iscsifs
          mkdir \(home)/mnt
          chown -R 65534:65534 \(home)
          exec setpriv --reuid=65534 --regid=65534 --clear-groups \\
            env -u XDG_STATE_HOME HOME=\(home) bash -c '
              cd; trap "fusermount3 -uz mnt 2>/dev/null" EXIT
              ./iscsifs mount \(daemon.address) mnt || exit
              cat mnt/targets/*/state
              printf ordinary | dd of=$(echo mnt/targets/*/lun1) conv=notrunc,fsync status=none
              head -c 8 mnt/targets/*/lun1; echo
              stat -c "%U %a" mnt/targets/*/lun1
              # The memory of what holds secrets is not its user'"'"'s other processes'"'"'.
              stat -c %U $(grep -l "ready-descripto[r]" /proc/[0-9]*/cmdline | while read file; do
                grep -q "$HOME/mnt" $file && echo ${file%cmdline}mem; done)
              ./iscsifs unmount mnt; echo "status $?"
              ls .local/state/iscsifs'
          """, mode: 0o644)
        let result = await lab.shell("unshare -m bash \(script)")
        #expect(
          result.lines.prefix(5)
            == ["LOGGED_IN", "ordinary", "nobody 600", "root", "status 0"],
          "\(result)")
        #expect(await eventually { await daemon.sessionCount() == 0 })
        #expect(await lab.shell("head -c 8 \(daemon.backingFile())").value == "ordinary")
      }
    }
  }
}
