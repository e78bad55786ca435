import FoundationEssentials
import Lab
import Testing

@testable import benchmark

@Suite("Outcomes and goals")
struct OutcomeTests {
  @Test("speed and CPU time are medians of the pairs")
  func ratios() {
    let outcome = Outcome.sample()
    #expect(outcome.speed?.median == 2)
    #expect(outcome.processorTime?.median == 0.5)
  }

  @Test("a speed is reached from below, a CPU time from above")
  func verdicts() {
    let verdicts = Outcome.sample().verdicts
    #expect(verdicts.map(\.word) == ["missed", "met"])
    #expect(verdicts.map(\.value) == [2, 0.5])
    #expect(Goal.speed(2).isMet(by: 2))
    #expect(Goal.processorTime(0.5).isMet(by: 0.5))
    #expect(!Goal.processorTime(0.5).isMet(by: 0.51))
  }

  @Test("rate, throughput and memory are the subject's own")
  func absolute() {
    let outcome = Outcome.sample(
      goals: [.rate(50_000), .megabytesPerSecond(450), .memory(inFlight: 0)], rival: nil)
    #expect(outcome.verdicts.map(\.word) == ["met", "missed", "met"])
  }

  @Test("a figure that misses its goal by less than two digits show is shown with three")
  func close() {
    #expect(Goal.processorTime(0.40).figure(0.404) == "0.404")
    #expect(Goal.processorTime(0.40).figure(0.396) == "0.40")
    #expect(Goal.speed(2.5).figure(2.47) == "2.47")
  }

  @Test("every session may have 4 MiB more")
  func memory() {
    var outcome = Outcome.sample(goals: [.memory(inFlight: 1 << 20)])
    outcome.subject?.sessionCount = 3
    outcome.subject?.peakMemoryBytes = 77 << 20
    #expect(outcome.verdicts.map(\.word) == ["met"])
    outcome.subject?.peakMemoryBytes = 77 << 20 + 1
    #expect(outcome.verdicts.map(\.word) == ["missed"])
  }

  @Test("without a peer its goals are open, not missed")
  func withoutPeer() {
    var outcome = Outcome.sample()
    outcome.rival = nil
    #expect(outcome.verdicts.map(\.word) == ["open", "open"])
    #expect(outcome.isMeasured)
    outcome.subject = nil
    #expect(!outcome.isMeasured)
  }

  @Test("the C prototype is compared through the peer it was measured beside")
  func prototype() {
    let goal = Goal.prototype(5, rival: 10)
    #expect(goal.isMet(by: 0.55))
    #expect(!goal.isMet(by: 0.56))
    #expect(
      goal.sentence(rival: "peer", unit: .operations)
        == "at most 0.55 of the CPU time per I/O of peer (1.10 of the C prototype's)")
  }

  @Test("results are read as they were written, and say what they mean")
  func file() throws {
    let path = "\(Lab.temporaryDirectory)/iscsifs-results-\(UUID()).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let machine = MachineFacts(
      kernel: "6.18", processor: "a model", processorCount: 2, allowsRing: true,
      programs: ["fio-3.33"])
    var results = Results(machine: machine)
    results.take(.sample())
    results.skip("dd-4k", "no reason")
    try results.save(to: path)
    let read = try #require(Results(path: path))
    #expect(read.machine == machine)
    #expect(read.outcomes == [.sample()])
    #expect(read.skipped == [Results.Skip(workload: "dd-4k", reason: "no reason")])
    let text = try String(contentsOf: URL(filePath: path), encoding: .utf8)
    #expect(text.contains("\"isMet\" : false"))
    #expect(text.contains("\"median\" : 2"))
  }

  @Test("a newer outcome takes the place of the older; they stand in the table's order")
  func taking() {
    var results = Results(
      machine: MachineFacts(
        kernel: "", processor: "", processorCount: 1, allowsRing: false, programs: []))
    results.skip("dd-4k", "not yet")
    results.take(.sample("dd-4k"))
    results.take(.sample("randread-4k-qd32"))
    results.take(.sample("dd-4k", goals: []))
    #expect(results.outcomes.map(\.workload) == ["randread-4k-qd32", "dd-4k"])
    #expect(results.outcomes.last?.goals == [])
    #expect(results.skipped.isEmpty)
  }

  @Test("a file that is not there or holds something else is no result")
  func noFile() {
    #expect(Results(path: "/nonexistent") == nil)
    #expect(Results(path: #filePath) == nil)
  }
}
