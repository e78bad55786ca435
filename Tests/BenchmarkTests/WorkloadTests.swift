import Testing

@testable import benchmark

@Suite("Workloads")
struct WorkloadTests {
  @Test("names are there once, and fit a file name, a shell and a table")
  func names() {
    let names = Workload.all.map(\.name)
    #expect(Set(names).count == names.count)
    for name in names {
      #expect(name.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "-" }, "\(name)")
    }
  }

  @Test("a wrong name is named")
  func unknown() {
    let (found, unknown) = Workload.named(["dd-4k", "dd-4m", "cp"])
    #expect(found.map(\.name) == ["dd-4k", "cp"])
    #expect(unknown == ["dd-4m"])
  }

  @Test("a comparison made up on the command line has nothing to reach and another name")
  func comparing() {
    let workload = Workload.all[0].comparing(.iscsifs(["cache=none"]), with: .iscsifs())
    #expect(workload.name == "randread-4k-qd32-ab")
    #expect(workload.goals.isEmpty)
    #expect(workload.contestants.map(\.contestant.name) == ["iscsifs cache=none", "iscsifs"])
  }

  @Test("a contestant's name has the last part of an open-iscsi key")
  func contestantNames() {
    let options = ["node.conn[0].iscsi.DataDigest=CRC32C", "config=/a.b/c.conf"]
    #expect(Contestant.iscsifs(options).name == "iscsifs DataDigest=CRC32C config=/a.b/c.conf")
    #expect(Contestant.iscsifs(program: "/old/iscsifs").name == "/old/iscsifs")
  }

  @Test("iscsi-perf is given only what it can do")
  func withoutFUSE() {
    for workload in Workload.all where workload.rival == .iscsiPerf {
      guard case .fio(let job) = workload.job else {
        Issue.record("\(workload.name) is a command")
        continue
      }
      #expect(job.kind == .randread, "\(workload.name)")
    }
  }

  @Test("goals beside a rival have a rival, and what is compared with digests has them")
  func goals() {
    for workload in Workload.all {
      let needsRival = workload.goals.contains {
        $0.quantity == .speed || $0.quantity == .processorTime
      }
      #expect(!needsRival || workload.rival != nil, "\(workload.name)")
      if case .iscsifs(let options, _) = workload.subject,
        options.contains(where: { $0.contains("Digest") })
      {
        #expect(workload.store == .digests, "\(workload.name)")
      }
    }
  }

  @Test("the time left is what is left of the estimate, corrected by what was seen")
  func progress() {
    let workloads = Array(Workload.all.prefix(4))
    var progress = Progress(workloads, rounds: 5, seconds: 2)
    let one = workloads[0].estimatedSeconds(rounds: 5, seconds: 2)
    #expect(
      progress.line(workloads[0], .start, elapsedSeconds: 0)
        == "[1/4] randread-4k-qd32: starting, \(Int((4 * one / 60).rounded())) min left")
    progress.finish(workloads[0])
    progress.finish(workloads[1])
    // Twice as slow as expected.
    #expect(
      progress.line(workloads[2], .round(3), elapsedSeconds: one * 5)
        == "[3/4] randread-4k-qd32-file: round 3 of 5, "
        + "\(Int((1.5 * one * 2 / 60).rounded())) min left")
  }
}
