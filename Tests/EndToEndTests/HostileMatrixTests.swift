import FoundationEssentials
import Glibc
import Lab
import ProcessUsage
import Testing

@testable import TargetSimulator

extension EndToEnd {
  /// Every lie and every flood of the simulated target at once, and some faults of the stream, each
  /// at a target of its own, beside one that is good: what each one's user comes to see, and what
  /// it costs the others.
  @Suite("Hostile matrix")
  struct HostileMatrixTests {
    /// All that was seen of a mount while its targets misbehaved.
    private struct Observation {
      /// Lines of the log.
      var log: [Substring] = []
      /// Lines of each target's `last_error`, by the target's name.
      var lastErrors: [String: Set<String>] = [:]
      var growthKibibytes = 0.0
      var seconds = 0.0
    }

    private static let good = "iqn.2026-11.org.iscsifs:good"
    private static let contents = (0..<HostileServer.byteCount).map {
      UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8)
    }

    @Test("no lie and no flood of the simulator's is without a case")
    func complete() {
      let kinds = Set(HostileCase.all.compactMap(\.lie).map(HostileCase.kind))
      #expect(kinds == Set(HostileCase.LieKind.allCases), "\(kinds)")
      #expect(Set(HostileCase.all.compactMap(\.flood)) == Set(FloodFault.Kind.allCases))
    }

    @Test(
      "H01, H02, H03, H10, H12, H13, H14, H15, H20, H22, H24, H26, H28, H60, H62, H63 in bounds")
    func matrix() async throws {
      try await withLab { lab in
        let target = SimulatedTarget(name: Self.good)
        let unit = SimulatedLogicalUnit(.init(blockCount: 8192))
        unit.setContents(Self.contents, at: 0)
        target.add(unit, lun: 1)
        let goodServer = try SimulatedPortalServer(lab, [target])
        let servers = try HostileCase.all.enumerated().map { index, row in
          try HostileServer(lab, row, identity: UInt32(index + 2))
        }
        let mount = try await MountedFileSystem.startInForeground(
          lab, .mount(goodServer.address),
          options: [
            "node.session.timeo.replacement_timeout=5", "node.conn[0].timeo.noop_out_interval=2",
            "node.conn[0].timeo.noop_out_timeout=4",
          ])
        let bytes = lab.fresh("bytes")
        try Data(Self.contents).write(to: URL(filePath: bytes))
        await logIn(mount, servers, bytes)
        let reader = try SteadyReader("\(file(mount, Self.good))", holding: Self.contents)
        let before = ProcessUsage(of: mount.daemonID).residentKibibytes
        for server in servers { server.begin() }
        let copies = servers.map { _ in lab.fresh("copy") }
        let users = try zip(servers, copies).map { server, copy in
          try server.startUser(lab, of: file(mount, server.name), writing: bytes, copy: copy)
        }
        let seen = await observe(mount, servers, until: users, growingFrom: before)
        expectGood(reader.stop(), goodServer, seen)
        for ((server, user), copy) in zip(zip(servers, users), copies) {
          expectUser(of: server, user, copy: copy, seen)
        }
        expectErrors(of: users)
        await expectUnitWords(mount, servers)
        await expectFewLines(mount, servers, seen)
        for server in servers { server.end() }
        await expectNothingLost(mount, servers, bytes)
      }
    }

    private func file(_ mount: MountedFileSystem, _ name: String) -> String {
      "\(mount.path)/targets/\(name)/lun1"
    }

    /// Every target is there, and bytes are on the medium of each bad one for good.
    private func logIn(
      _ mount: MountedFileSystem, _ servers: [HostileServer], _ bytes: String
    ) async {
      let addresses = servers.map(\.address).joined(separator: " ")
      await mount.shell("for a in \(addresses); do echo discover $a > control || exit 1; done")
        .expectSuccess()
      await expectAllLoggedIn(mount, servers)
      await mount.shell(
        """
        for t in targets/*:bad-*; do
          dd if=\(bytes) of=$t/lun1 bs=\(HostileServer.byteCount) oflag=direct status=none \
            seek=\(HostileServer.flushedOffset / HostileServer.byteCount) conv=notrunc,fsync ||
            exit 1
        done
        """
      ).expectSuccess()
    }

    /// Looks again and again, until the last user has ended or they have had their time.
    private func observe(
      _ mount: MountedFileSystem, _ servers: [HostileServer], until users: [ManagedProcess],
      growingFrom before: Double
    ) async -> Observation {
      var seen = Observation()
      let clock = ContinuousClock()
      let start = clock.now
      var isLast = false
      while !isLast {
        isLast = users.allSatisfy { $0.status != nil } || clock.now - start > .seconds(50)
        for name in servers.map(\.name) + [Self.good] {
          let path = "\(mount.path)/targets/\(name)/last_error"
          let line = (try? OpenFile(path, .readOnly).read(4096, at: 0)) ?? []
          seen.lastErrors[name, default: []].insert(
            String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self))
        }
        seen.growthKibibytes = max(
          seen.growthKibibytes, ProcessUsage(of: mount.daemonID).residentKibibytes - before)
        try? await Task.sleep(for: .milliseconds(50))
      }
      seen.seconds = (clock.now - start) / .seconds(1)
      seen.log = mount.foreground?.output.split(separator: "\n") ?? []
      return seen
    }

    private func expectGood(
      _ account: SteadyReader.Account, _ server: SimulatedPortalServer, _ seen: Observation
    ) {
      print(
        "\(seen.seconds) s: \(account.readCount) reads of the good target, the slowest "
          + "\(account.slowest); \(Int(seen.growthKibibytes)) KiB more")
      #expect(account.failure == nil)
      #expect(account.readCount > 1000)
      // Whoever waited for a bad target would for five seconds, its replacement_timeout.
      #expect(account.slowest < .seconds(4))
      #expect(seen.lastErrors[Self.good] == ["0 SUCCESS"])
      // The discovery and the login.
      #expect(server.connectionCount == 2)
      #expect(seen.growthKibibytes <= 32 * 1024)
    }

    private func expectUser(
      of server: HostileServer, _ user: ManagedProcess, copy: String, _ seen: Observation
    ) {
      let row = server.row
      var lines = seen.lastErrors[server.name, default: []]
      #expect(user.status == (row.error == nil ? 0 : 1), "\(row.name): \(user.output)")
      let isLoss = row.error != nil && row.words != nil
      #expect(
        user.output.contains(row.error ?? "")
          || isLoss && user.output.contains(HostileCase.failed)
          || isLoss && user.output.contains(HostileCase.severed), "\(row.name): \(user.output)")
      if let words = row.words {
        // What stood there for less than a look stands in the log as well.
        lines.formUnion(seen.log.filter { $0.contains(server.name) }.map(String.init))
        #expect(lines.contains { $0.contains(words) }, "\(row.name): \(lines)")
      } else {
        #expect(lines == ["0 SUCCESS"], "\(row.name)")
      }
      guard row.error == nil else { return }
      switch row.use {
      case .read:
        let bytes = (try? Data(contentsOf: URL(filePath: copy))) ?? Data()
        #expect(Array(bytes) == Self.contents, "\(row.name): other bytes than were written")
      case .write:
        let bytes = server.contents(at: HostileServer.writtenOffset, losingPower: false)
        #expect(bytes == Self.contents, "\(row.name): what was acknowledged is not there")
      case .manyReads: Issue.record("\(row.name): every one of these reads cannot succeed")
      }
    }

    private func expectUnitWords(_ mount: MountedFileSystem, _ servers: [HostileServer]) async {
      for server in servers {
        guard let words = server.row.unitWords else { continue }
        let line = await mount.shell("cat targets/\(server.name)/lun1.info/last_error").value
        #expect(line.hasSuffix(": \(words)"), "\(server.row.name): \(line)")
      }
    }

    /// A path that is lost again and again is away most of the time: most are told so.
    private func expectErrors(of users: [ManagedProcess]) {
      let expected = HostileCase.all.count { $0.error == HostileCase.severed }
      let severed = users.count { $0.output.contains(HostileCase.severed) }
      #expect(severed * 4 >= expected * 3, "\(severed) of \(expected)")
    }

    /// A loss is told in few lines, and there is at most one a second.
    private func expectFewLines(
      _ mount: MountedFileSystem, _ servers: [HostileServer], _ seen: Observation
    ) async {
      #expect(!seen.log.isEmpty)
      var bound = 100
      for server in servers {
        let losses = await mount.shell("cat targets/\(server.name)/sessions/*/losses").value
        let lines = seen.log.count { $0.contains(server.name) }
        let lossCount = Int(losses) ?? .max
        #expect(lossCount <= Int(seen.seconds) + 2, "\(server.row.name)")
        let share = 10 * (min(lossCount, 100) + 2)
        #expect(lines <= share, "\(server.row.name): \(lines) lines")
        bound += share
        print("\(server.row.name): \(losses) losses, \(lines) lines")
      }
      // Whatever names none of them.
      #expect(seen.log.count <= bound)
    }

    private func expectAllLoggedIn(_ mount: MountedFileSystem, _ servers: [HostileServer]) async {
      #expect(
        await eventually(.seconds(20)) {
          await mount.shell("cat targets/*/state | grep -c LOGGED_IN").value
            == "\(servers.count + 1)"
        })
    }

    /// Nothing that was flushed is gone, through the mount and on the media without power.
    private func expectNothingLost(
      _ mount: MountedFileSystem, _ servers: [HostileServer], _ bytes: String
    ) async {
      await expectAllLoggedIn(mount, servers)
      await mount.shell(
        """
        for t in targets/*:bad-*; do
          dd if=$t/lun1 bs=\(HostileServer.byteCount) iflag=direct status=none count=1 \
            skip=\(HostileServer.flushedOffset / HostileServer.byteCount) | cmp - \(bytes) ||
            { echo $t; exit 1; }
        done
        """
      ).expectSuccess()
      for server in servers {
        let flushed = server.contents(at: HostileServer.flushedOffset, losingPower: true)
        #expect(flushed == Self.contents, "\(server.row.name): what was flushed is gone")
      }
      #expect(mount.isRunning)
    }
  }
}
