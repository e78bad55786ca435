import Guest
import Testing

@testable import KernelBenchmark

@Suite("A sample")
struct SampleTests {
  private static func run(busy: UInt64, daemon: UInt64, count: Int) -> Run {
    Run(
      before: GuestClock(now: 1000, idle: 500, daemon: 0, isExact: true),
      after: GuestClock(now: 9000 + busy, idle: 8500, daemon: daemon, isExact: true),
      operationCount: count)
  }

  @Test("is what the longer run took more, per I/O more")
  func difference() throws {
    let sample = try Sample(
      short: Self.run(busy: 5_000_000, daemon: 200_000, count: 100),
      long: Self.run(busy: 55_000_000, daemon: 20_200_000, count: 1100))
    #expect(sample == Sample(guest: 50, daemon: 20))
  }

  @Test("needs I/Os", arguments: [(0, 100), (100, 100), (100, 50)])
  func nothing(short: Int, long: Int) {
    #expect(throws: GuestError.self) {
      try Sample(
        short: Self.run(busy: 1, daemon: 0, count: short),
        long: Self.run(busy: 2, daemon: 0, count: long))
    }
  }

  @Test("comes from what a run printed")
  func parsing() throws {
    let run = try Run(
      parsing: """
        now at 1000 nsecs
          .idle_sleeptime : 400 nsecs
        cpu  2 0 302 0 0 0 17 0 0 0
        thread 7 0 0
        after
        now at 3000 nsecs
          .idle_sleeptime : 900 nsecs
        cpu  2 0 302 0 0 0 17 0 0 0
        thread 27 0 0
                "total_ios" : 60,
                "total_ios" : 0,
        """)
    #expect(run.busy == 1500)
    #expect(run.daemon == 20)
    #expect(run.operationCount == 60)
    #expect(throws: GuestError.self) { try Run(parsing: "sh: fio: not found") }
  }

  @Test("is taken by the same job of every initiator, as many I/Os of it as asked for")
  func jobs() {
    #expect(FioJob.all.count == 6)
    #expect(Set(FioJob.all.map(\.name)).count == 6)
    let job = FioJob(direction: .randwrite, blockKibibytes: 64, depth: 32)
    #expect(job.operationCount(6000) == 2000)
    let words = job.arguments(file: "/dev/sda", count: 10).split(separator: " ")
    for word in ["--rw=randwrite", "--bs=64k", "--iodepth=32", "--io_size=640k", "--direct=1"] {
      #expect(words.contains(Substring(word)))
    }
  }
}
