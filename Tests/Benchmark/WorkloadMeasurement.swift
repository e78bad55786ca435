import Lab

/// The rounds of one workload: who can take part is started, measured in turns, and ended.
struct WorkloadMeasurement {
  enum Step: Equatable {
    case start
    case warmUp
    case round(Int)
  }

  /// Whether something failed that this machine should be able to do.
  private(set) var hasFailed = false
  private let workload: Workload
  private let bench: Bench
  private let rounds: Int
  private let seconds: Double
  private var outcome: Outcome

  init(_ workload: Workload, on bench: Bench, rounds: Int, seconds: Double) {
    self.workload = workload
    self.bench = bench
    self.rounds = rounds
    self.seconds = seconds
    outcome = Outcome(of: workload, secondsPerRound: seconds)
  }

  /// - Parameter begins: hears of every step before it begins.
  mutating func run(begins: (Step) -> Void) async throws -> Outcome {
    begins(.start)
    var contenders = await start()
    guard !contenders.isEmpty else { return outcome }
    do {
      if workload.placement == .pinned { try await pin(contenders) }
      for round in 0...rounds {
        begins(round == 0 ? .warmUp : .round(round))
        for contender in contenders { try await take(contender, round) }
        contenders.removeAll { isOut($0) }
        if contenders.isEmpty { break }
      }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      fail("\(error)")
    }
    noteMemory(contenders)
    for contender in contenders { await contender.end() }
    if workload.placement == .pinned {
      try await Processor.free(bench.target.processID, in: bench.lab)
    }
    try Task.checkCancellation()
    return outcome
  }

  private mutating func start() async -> [Contender] {
    var contenders: [Contender] = []
    for (role, contestant) in workload.contestants {
      let needs = contestant.needs + workload.job.needs(by: contestant)
      if let objection = needs.lazy.compactMap(\.objection).first {
        outcome.omissions.append("\(contestant.name): \(objection)")
        continue
      }
      do {
        let contender = try await bench.start(contestant, as: role, on: workload.store)
        contenders.append(contender)
        outcome[role] = ContestantResult(
          name: contestant.name, samples: [], sessionCount: contender.sessionCount)
      } catch let error as ContestantUnavailable {
        outcome.omissions.append("\(error)")
      } catch {
        fail("\(contestant.name): \(error)")
      }
    }
    return contenders
  }

  private func pin(_ contenders: [Contender]) async throws {
    let number = Processor.last
    for processID in contenders.compactMap(\.processID) + [bench.target.processID] {
      try await Processor.pin(processID, to: number, in: bench.lab)
    }
  }

  /// One round of one contender; the first is thrown away.
  private mutating func take(_ contender: Contender, _ round: Int) async throws {
    do {
      let sample = try await bench.measure(
        workload.job, by: contender, placement: workload.placement,
        seconds: round == 0 ? min(seconds, 0.5) : seconds)
      if round > 0 { outcome[contender.role]?.samples.append(sample) }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      fail("\(contender.contestant.name): \(error)")
      outcome[contender.role] = nil
      await contender.end()
    }
  }

  private func isOut(_ contender: Contender) -> Bool {
    outcome[contender.role] == nil
  }

  private mutating func noteMemory(_ contenders: [Contender]) {
    for contender in contenders {
      outcome[contender.role]?.peakMemoryBytes =
        contender.processID.flatMap(ProcessStatus.peakMemoryBytes(of:))
    }
  }

  private mutating func fail(_ sentence: String) {
    hasFailed = true
    outcome.omissions.append(sentence)
  }
}
