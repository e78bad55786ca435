import FoundationEssentials
import Lab
import Testing

extension EndToEnd {
  /// What an I/O may cost, counted, never timed.
  @Suite("Budgets", .requires(.tgtd, .fio, .optimized, .allocationCounter))
  struct BudgetTests {
    @Test(
      "100,000 I/Os of 4 KiB, 32 at once, allocate nothing", arguments: ["randread", "randwrite"])
    func allocations(kind: String) async throws {
      try await withLab { lab in
        let daemon = try await TargetDaemon.start(lab)
        let counter = lab.fresh("allocations")
        let mount = try await MountedFileSystem.start(
          lab, .mount(daemon.address),
          environment: ["COUNT_FILE=\(counter)", "LD_PRELOAD=\(Binary.allocationCounter)"],
          prelude: "F=$(ls -d $M/by-id/*)")
        let job =
          "fio --name=b --filename=$F --rw=\(kind) --bs=4k --iodepth=32 --ioengine=libaio "
          + "--direct=1 --norandommap --minimal --size=32M --number_ios="
        await mount.shell(job + "1000").expectSuccess()
        let before = try count(in: counter)
        #expect(before > 0, "the counter is not loaded")
        await mount.shell(job + "100000").expectSuccess()
        let allocated = try count(in: counter) - before
        print("\(kind): \(allocated) allocations in 100,000 I/Os, open and close included")
        // fio's own open, stat and close of the file are a few dozen requests of the cold side.
        #expect(allocated < 1000)
      }
    }

    /// strace slows the daemon, so that requests gather, as they do when there is work for it.
    ///
    /// A turn's share depends on how much had gathered, which other load can only make less: the
    /// average is that of the best of six runs. What the program decides holds in each of them.
    @Test(
      "System calls per I/O of 4 KiB stay few, and the reactor's thread waits for no lock",
      .requires(.strace),
      arguments: ["randread", "randwrite"], [(depth: 1, limit: 6.1), (depth: 32, limit: 2.5)])
    func systemCalls(kind: String, budget: (depth: Int, limit: Double)) async throws {
      try await withLab { lab in
        try await expectSystemCalls(
          lab, kind, depth: budget.depth, limit: budget.limit, options: ["channel=dev"]
        ) { calls, count in
          let total = calls["total", default: 0]
          try #require(total >= 2 * count, "a read and a write an I/O: not all was counted")
          // One request read, one answer written; a turn waits, sends, receives and finds the end.
          #expect(total <= 2 * count + 4 * calls["epoll_wait", default: 0] + 500)
        }
      }
    }

    @Test(
      "Through io_uring system calls are fewer", .requires(.strace, .ring),
      arguments: ["randread", "randwrite"], [(depth: 1, limit: 4.1), (depth: 32, limit: 1.5)])
    func systemCallsByRing(kind: String, budget: (depth: Int, limit: Double)) async throws {
      try await withLab { lab in
        _ = try RingSwitch(lab, isOn: true)
        try await expectSystemCalls(
          lab, kind, depth: budget.depth, limit: budget.limit,
          options: ["channel=uring", "sessions=0"]
        ) { calls, count in
          let turns = calls["io_uring_enter", default: 0]
          try #require(turns >= count / 64, "requests come with the wait: not all was counted")
          // A turn waits, looks at what woke it, sends. A receive takes one answer at least: how
          // many come to a turn is the target's pace. A write wakes the other reactor.
          #expect(calls["read", default: 0] <= count + 500)
          #expect(
            calls["total", default: 0]
              <= 4 * turns + calls["read", default: 0] + calls["write", default: 0] + 500)
        }
      }
    }

    /// Counts a job's system calls: all threads' within `limit` an I/O, no locks on the reactors.
    ///
    /// - Parameter check: what must hold in every run, for so many I/Os.
    private func expectSystemCalls(
      _ lab: Lab, _ kind: String, depth: Int, limit: Double, options: [String],
      check: ([String: Int], Int) throws -> Void
    ) async throws {
      let daemon = try await TargetDaemon.start(lab)
      let mount = try await MountedFileSystem.start(
        lab, .mount(daemon.address), options: options, prelude: "F=$(ls -d $M/by-id/*)")
      let job =
        "fio --name=b --filename=$F --iodepth=\(depth) --ioengine=libaio --direct=1 "
        + "--norandommap --minimal --size=32M --io_size=1g "
      // Large reads first: how answers are received depends on what came before.
      await mount.shell(job + "--rw=randread --bs=64k --number_ios=1000").expectSuccess()
      let count = 10_000
      let traced = job + "--rw=\(kind) --bs=4k --number_ios=\(count)"
      var best = Double.infinity
      for _ in 0..<6 where best > limit {
        let calls = try await systemCalls(of: mount, in: lab, threads: "*", during: traced)
        try check(calls, count)
        let perIO = Double(calls["total", default: 0]) / Double(count)
        print("\(kind), depth \(depth), \(options[0]): \(perIO) system calls an I/O")
        best = min(best, perIO)
      }
      #expect(best <= limit)
      let reactor = try await systemCalls(
        of: mount, in: lab, threads: "reactor-*", during: traced)
      try check(reactor, count)
      // What fio's open and close cost on the cold side is not per I/O.
      #expect(reactor["futex", default: 0] < 50)
    }

    /// What threads whose names match call while a job runs, by the call's name; "total" is all.
    private func systemCalls(
      of mount: MountedFileSystem, in lab: Lab, threads: String, during job: String
    ) async throws -> [String: Int] {
      let output = lab.fresh("strace")
      let result = await mount.shell(
        """
        set -e
        tasks=
        for task in /proc/\(mount.daemonID)/task/*; do
          case $(cat $task/comm) in \(threads)) tasks="$tasks -p ${task##*/}";; esac
        done
        strace -c -o \(output) $tasks 2> \(output).said &
        tracer=$!
        for try in $(seq 100); do
          [ $(grep -c attached \(output).said) -ge $(set -- $tasks; echo $(($# / 2))) ] && break
          sleep 0.05
        done
        \(job) > /dev/null
        kill -INT $tracer
        wait $tracer || true
        awk '$4 ~ /^[0-9]+$/ { print $NF, $4 }' \(output)
        """, limit: .seconds(90))
      result.expectSuccess()
      let rows = result.lines.map { $0.split(separator: " ") }
      return Dictionary(
        rows.compactMap { row in
          row.count == 2 ? Int(row[1]).map { (String(row[0]), $0) } : nil
        }, uniquingKeysWith: +)
    }

    private func count(in path: String) throws -> UInt64 {
      let bytes = try Data(contentsOf: URL(filePath: path)).prefix(8)
      return bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}
