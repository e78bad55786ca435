extension Workload {
  /// All of them, in the order they run.
  static let all: [Workload] =
    small + pinned + large + synchronous + oneConnection + buffered + digests + channels + floors

  /// The names of `names` that are none; the workloads of the others.
  static func named(_ names: [String]) -> (found: [Workload], unknown: [String]) {
    let unknown = names.filter { name in !all.contains { $0.name == name } }
    return (all.filter { names.contains($0.name) }, unknown)
  }

  // What `prototype` is given is the CPU time an I/O of the C prototype and of the peer in one run:
  // one epoll thread, the raw FUSE protocol through /dev/fuse.

  private static let small: [Workload] = [
    Workload(
      name: "randread-4k-qd32", summary: "4 KiB random reads, 32 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 32)),
      goals: [
        .speed(2.5), .processorTime(0.40), .prototype(7.6, rival: 18.9),
        .memory(inFlight: 32 * 4096),
      ]),
    Workload(
      name: "randwrite-4k-qd32", summary: "4 KiB random writes, 32 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 4096, depth: 32)),
      goals: [
        .speed(2.5), .processorTime(0.40), .prototype(5.9, rival: 18.6),
        .memory(inFlight: 32 * 4096),
      ]),
    Workload(
      name: "randread-4k-qd32-file", summary: "4 KiB random reads, 32 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 32)), store: .file),
    Workload(
      name: "randwrite-4k-qd32-file", summary: "4 KiB random writes, 32 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 4096, depth: 32)), store: .file),
  ]

  private static let pinned: [Workload] = [
    Workload(
      name: "randread-4k-qd1-pinned", summary: "4 KiB random reads, one at a time, one processor",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 1)), placement: .pinned,
      goals: [.speed(1.4), .processorTime(0.5), .prototype(8.8, rival: 18.6)]),
    Workload(
      name: "randwrite-4k-qd1-pinned", summary: "4 KiB random writes, one at a time, one processor",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 4096, depth: 1)), placement: .pinned,
      goals: [.speed(1.4), .processorTime(0.5), .prototype(9.2, rival: 20.4)]),
    Workload(
      name: "randread-4k-qd32-pinned", summary: "4 KiB random reads, 32 at once, one processor",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 32)), placement: .pinned,
      goals: [.prototype(5.0, rival: 11.3)]),
    Workload(
      name: "randwrite-4k-qd32-pinned", summary: "4 KiB random writes, 32 at once, one processor",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 4096, depth: 32)), placement: .pinned,
      goals: [.prototype(4.5, rival: 13.0)]),
  ]

  private static let large: [Workload] = [
    Workload(
      name: "randread-64k-qd32", summary: "64 KiB random reads, 32 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 64 << 10, depth: 32)),
      goals: [
        .speed(1.4), .processorTime(0.6), .megabytesPerSecond(450),
        .memory(inFlight: 32 * 64 << 10),
      ]),
    Workload(
      name: "randwrite-64k-qd32", summary: "64 KiB random writes, 32 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 64 << 10, depth: 32)),
      goals: [
        .speed(1.4), .processorTime(0.6), .megabytesPerSecond(320),
        .memory(inFlight: 32 * 64 << 10),
      ]),
    Workload(
      name: "randread-1m-qd8", summary: "1 MiB random reads, 8 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 1 << 20, depth: 8)),
      goals: [.speed(1.4), .processorTime(0.6), .memory(inFlight: 8 << 20)]),
    Workload(
      name: "randwrite-1m-qd8", summary: "1 MiB random writes, 8 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 1 << 20, depth: 8)),
      goals: [.speed(1.4), .processorTime(0.6), .memory(inFlight: 8 << 20)]),
    Workload(
      name: "randread-64k-qd32-file", summary: "64 KiB random reads, 32 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 64 << 10, depth: 32)), store: .file),
    Workload(
      name: "randwrite-64k-qd32-file", summary: "64 KiB random writes, 32 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 64 << 10, depth: 32)), store: .file),
    Workload(
      name: "randread-1m-qd8-file", summary: "1 MiB random reads, 8 at once",
      job: .fio(FioJob(kind: .randread, blockBytes: 1 << 20, depth: 8)), store: .file),
    Workload(
      name: "randwrite-1m-qd8-file", summary: "1 MiB random writes, 8 at once",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 1 << 20, depth: 8)), store: .file),
  ]

  private static let synchronous: [Workload] = [
    Workload(
      name: "sync-writers-8", summary: "8 writers of 4 KiB, each waiting for its own",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 4096, depth: 1, writers: 8)),
      goals: [.speed(8)])
  ]

  /// What this path did in 2005, over one connection.
  private static let oneConnection: [Workload] = [
    Workload(
      name: "one-connection-read-64k", summary: "64 KiB random reads over one connection",
      job: .fio(FioJob(kind: .randread, blockBytes: 64 << 10, depth: 32)),
      subject: .iscsifs(["sessions=1"]), rival: nil, goals: [.megabytesPerSecond(450)]),
    Workload(
      name: "one-connection-write-64k", summary: "64 KiB random writes over one connection",
      job: .fio(FioJob(kind: .randwrite, blockBytes: 64 << 10, depth: 32)),
      subject: .iscsifs(["sessions=1"]), rival: nil, goals: [.megabytesPerSecond(320)]),
    Workload(
      name: "one-connection-randread-4k", summary: "4 KiB random reads over one connection",
      job: .fio(FioJob(kind: .randread, blockBytes: 4096, depth: 32)),
      subject: .iscsifs(["sessions=1"]), rival: nil, goals: [.rate(50_000)]),
  ]
}
