import Lab
import Testing

extension EndToEnd {
  /// A portal by name, and a name service that is gone when the session is.
  @Suite("Name service", .requires(.tgtd, .namespaces))
  struct NameServiceTests {
    @Test("a name service that hangs does not delay a recovery")
    func hanging() async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let server = try SilentNameServer(lab)
        let mountpoint = try lab.makeDirectory("mnt")
        let hosts = try lab.write("127.0.0.1 localhost storage.test\n", mode: 0o644)
        let resolver = try lab.write(
          "nameserver \(server.host)\noptions timeout:20 attempts:3\n", mode: 0o644)
        let order = try lab.write("hosts: files dns\n", mode: 0o644)
        let options = MountedFileSystem.flags(lab, ["login=manual"]).joined(separator: " ")
        // A namespace of its own with its own name service: nothing of it is left when it ends.
        let script = try lab.write(
          """
          set -e
          M=\(mountpoint)
          mount --bind \(hosts) /etc/hosts
          mount --bind \(resolver) /etc/resolv.conf
          mount --bind \(order) /etc/nsswitch.conf
          \(Binary.path) mount none $M \(options)
          trap 'umount -l $M' EXIT
          echo "add \(daemon.targets[0].name) storage.test:\(daemon.port),1" > $M/control
          echo login > $M/targets/*/control
          cat $M/targets/*/state
          echo "127.0.0.1 localhost" > /etc/hosts
          timeout 3 getent hosts storage.test || echo "asking: $?"
          exec 3< $M/events
          echo drop > $M/targets/*/sessions/1/control
          timeout 10 sed -n '/session recovered/{s/.*session/session/;p;q}' <&3
          cat $M/targets/*/state
          head -c 1 $M/targets/*/lun1 | wc -c
          """)
        let result = await lab.shell("unshare -m bash \(script)", limit: .seconds(60))
        let lines = result.lines
        #expect(lines.prefix(2) == ["LOGGED_IN", "asking: 124"], "\(result)")
        #expect(
          lines.dropFirst(2).first?.contains(
            /^session recovered: storage\.test:\d+ after [0-3]\.\d s, login 1$/) == true,
          "\(result)")
        #expect(lines.suffix(2) == ["LOGGED_IN", "1"], "\(result)")
        #expect(await eventually(.seconds(15)) { await daemon.sessionCount() == 0 })
      }
    }
  }
}
