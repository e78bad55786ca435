import Glibc
import Lab
import Synchronization
import SystemPackage
import Testing

extension EndToEnd {
  /// `-o cache=`: what the kernel may keep, what others see of it, where errors come out.
  @Suite("Caches", .requires(.tgtd))
  struct CacheTests {
    private static let modes = ["none", "read", "writeback"]

    @Test("What one writes another reads at once, cached or direct", arguments: modes)
    func coherence(mode: String) async throws {
      try await withMount(mode) { mount, daemon, path in
        // All open at once and nothing synchronised.
        let cached = try OpenFile(path, .cached)
        let direct = try OpenFile(path, .direct)
        for turn in 0..<50 {
          let one = [UInt8](repeating: UInt8(turn * 2 + 1), count: 5000)
          let two = [UInt8](repeating: UInt8(turn * 2 + 2), count: 8192)
          _ = try cached.read(8192, at: 4096)
          try cached.write(one, at: 4096 + turn)
          let afterCached = try direct.read(8192, at: 4096)
          #expect(Array(afterCached[turn..<turn + 5000]) == one)
          try direct.write(two, at: 4096)
          #expect(try cached.read(8192, at: 4096) == two)
        }
        await mount.shell("sync -d \(path) && cmp \(path) \(daemon.backingFile())").expectSuccess()
      }
    }

    @Test("A buffered reader's requests are of the largest size, where the kernel may be told")
    func readAhead() async throws {
      try await withMount("read") { mount, _, path in
        let figure = "/sys/class/bdi/$(mountpoint -d $M)/read_ahead_kb"
        guard await mount.shell("[ -w \(figure) ]").status == 0 else { return }
        let before = await mount.shell("cat \(figure) $T/sessions/1/cmdsn")
        #expect(before.lines.first == "1024")
        let after = await mount.shell("cat \(path) > /dev/null; cat $T/sessions/1/cmdsn")
        let count = try #require(UInt32(after.value)) &- #require(UInt32(before.lines[1]))
        // 64 MiB: 512 commands with the kernel's own 128 KiB.
        #expect((64..<100).contains(count))
      }
    }

    @Test("O_TRUNC changes nothing of a LUN, another size is refused", arguments: modes)
    func truncation(mode: String) async throws {
      try await withMount(mode) { mount, _, path in
        let result = await mount.shell(
          """
          F=\(path)
          printf 0123456789 > $F; stat -c %s $F; printf A > $F; stat -c %s $F; head -c 4 $F; echo
          wc -c < $F; truncate -s 64M $F; echo $?
          truncate -s 0 $F 2>&1 | grep -o 'Operation not permitted'
          truncate -s 65M $F 2>&1 | grep -o 'File too large'
          stat -c %s $F; tail -c 5 $F | wc -c
          """)
        let size = "67108864"
        #expect(
          result.lines == [
            size, size, "A123", size, "0", "Operation not permitted", "File too large", size, "5",
          ], "\(result)")
      }
    }

    @Test("cache=none: a reader that stays open sees what another mount has written")
    func otherMount() async throws {
      try await withMount("none") { mount, daemon, path in
        try await withMount("none", of: daemon) { _, otherPath in
          let reader = try OpenFile(path, .cached)
          let writer = try OpenFile(otherPath, .cached)
          for turn in 0..<20 {
            let bytes = [UInt8](repeating: UInt8(turn + 1), count: 100)
            try writer.write(bytes, at: 50)
            #expect(try reader.read(100, at: 50) == bytes)
          }
        }
      }
    }

    @Test("cache=writeback: a write does not wait for the target, fsync does")
    func writtenBack() async throws {
      try await withMount("writeback") { _, daemon, path in
        let file = try OpenFile(path, .cached)
        let medium = try OpenFile(daemon.backingFile(), .cached)
        let late = [UInt8](repeating: 7, count: 4096)
        let isStopped = Mutex(true)
        daemon.signal(SIGSTOP)
        let resumption = Task.detached {
          try? await Task.sleep(for: .seconds(2))
          isStopped.withLock { $0 = false }
          daemon.signal(SIGCONT)
        }
        try file.write(late, at: 8192)
        #expect(isStopped.withLock { $0 })
        #expect(try file.read(4096, at: 8192) == late)
        #expect(try medium.read(4096, at: 8192) != late)
        try file.synchronize()
        #expect(!isStopped.withLock { $0 })
        #expect(try medium.read(4096, at: 8192) == late)
        await resumption.value
      }
    }

    @Test("An error that comes after the write comes out at fsync, once", arguments: modes)
    func lateErrors(mode: String) async throws {
      try await withMount(mode, ["node.session.timeo.replacement_timeout=1"]) {
        _, daemon, path in
        let file = try OpenFile(path, .cached)
        await daemon.kill()
        let bytes = [UInt8](repeating: 9, count: 4096)
        if mode == "writeback" {
          try file.write(bytes, at: 0)
          #expect(throws: Errno.noLink) { try file.synchronize() }
        } else {
          #expect(throws: Errno.noLink) { try file.write(bytes, at: 0) }
        }
        try await daemon.start()
        let isBack = await eventually(.seconds(30)) {
          (try? file.write(bytes, at: 0)) != nil && (try? file.synchronize()) != nil
        }
        #expect(isBack)
        try file.synchronize()
        let medium = try OpenFile(daemon.backingFile(), .cached)
        #expect(try medium.read(4096, at: 0) == bytes)
      }
    }

    /// - Parameter body: told of the mount, its target and the path of LUN 1.
    private func withMount(
      _ mode: String, _ options: [String] = [],
      _ body: (MountedFileSystem, TargetDaemon, String) async throws -> Void
    ) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["cache=\(mode)"] + options)
        try await body(mount, daemon, await mount.shell("echo $T/lun1").value)
      }
    }

    /// A second mount of the same target.
    private func withMount(
      _ mode: String, of daemon: TargetDaemon,
      _ body: (MountedFileSystem, String) async throws -> Void
    ) async throws {
      try await withLab { lab in
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address), options: ["cache=\(mode)"])
        try await body(mount, await mount.shell("echo $T/lun1").value)
      }
    }
  }
}
