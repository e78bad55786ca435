import Guest

/// Starts the initiators in a guest and has each of them do the jobs, one after the other.
struct Benchmark {
  private let plan: Plan
  private let laboratory: Laboratory
  private let deadline: ContinuousClock.Instant
  private let say: (String) -> Void
  private var files: [Initiator: String] = [:]

  /// Which way requests reach iscsifs in the guest, in words.
  private(set) var channel = "unknown"

  init(_ plan: Plan, _ laboratory: Laboratory, say: @escaping (String) -> Void) {
    self.plan = plan
    self.laboratory = laboratory
    self.say = say
    deadline = ContinuousClock.now.advanced(by: plan.limit)
  }

  /// Brings every initiator up; one that does not come is told and left out.
  mutating func start() throws(GuestError) {
    channel = try offerRing()
    for initiator in Initiator.allCases {
      let script = initiator.start(laboratory.portal, mountOptions: plan.mountOptions)
      let result = try run(script)
      let lines = result.output.split(separator: "\n").map(String.init)
      guard result.status == 0, let file = lines.last else {
        say("\(initiator.rawValue) cannot be measured: \(lines.suffix(3).joined(separator: " | "))")
        continue
      }
      files[initiator] = file
      say("\(initiator.rawValue) serves \(file)")
    }
  }

  /// Every job by every initiator, round by round.
  func measure() throws(GuestError) -> Comparison {
    var comparison = Comparison()
    let present = Initiator.allCases.filter { files[$0] != nil }
    let total = plan.rounds * plan.jobs.count * present.count
    try warmUp(present)
    var count = 0
    for round in 1...plan.rounds {
      for job in plan.jobs {
        for initiator in present {
          count += 1
          let step = "[\(count)/\(total)] round \(round), \(job.title), \(initiator.rawValue)"
          do throws(GuestError) {
            let sample = try measure(job, initiator)
            comparison.add(sample, job, initiator, round: round)
            say("\(step): \(fixed(sample.guest, digits: 1)) kilo-instructions per I/O")
          } catch .failed(let reason) {
            say("\(step): not measured: \(reason)")
          }
        }
      }
    }
    return comparison
  }

  /// Every job once unmeasured: what is touched for the first time costs more than ever after.
  private func warmUp(_ initiators: [Initiator]) throws(GuestError) {
    for initiator in initiators {
      say("warming up \(initiator.rawValue)")
      for job in plan.jobs {
        do throws(GuestError) {
          _ = try fio(job, initiator, count: max(job.operationCount(plan.operationCount) / 10, 1))
        } catch .failed(let reason) {
          say("\(initiator.rawValue), \(job.title): \(reason)")
        }
      }
    }
  }

  private func measure(_ job: FioJob, _ initiator: Initiator) throws(GuestError) -> Sample {
    let count = job.operationCount(plan.operationCount)
    let short = try fio(job, initiator, count: max(count / 10, 1))
    return try Sample(short: short, long: fio(job, initiator, count: max(count / 10, 1) + count))
  }

  private func fio(
    _ job: FioJob, _ initiator: Initiator, count: Int
  ) throws(GuestError) -> Run {
    let process = initiator.program.map { "$(pidof \($0))" }
    let result = try run(
      Run.script(job, file: files[initiator] ?? "", count: count, process: process))
    guard result.status == 0 else {
      throw .failed(result.output.split(separator: "\n").suffix(3).joined(separator: " | "))
    }
    let run = try Run(parsing: result.output)
    guard run.operationCount == count else {
      throw .failed("fio did \(run.operationCount) of \(count) I/Os")
    }
    return run
  }

  /// Switches FUSE over io_uring on where the guest's kernel has it.
  private func offerRing() throws(GuestError) -> String {
    try run(
      """
      switch=/sys/module/fuse/parameters/enable_uring
      [ -e $switch ] || { echo "this kernel has no FUSE over io_uring"; exit; }
      echo Y >$switch
      echo "FUSE over io_uring is offered by the kernel"
      """
    ).value
  }

  private func run(_ script: String) throws(GuestError) -> GuestResult {
    let remaining = ContinuousClock.now.duration(to: deadline)
    guard remaining > .zero else { throw .timedOut("the comparison") }
    return try laboratory.machine.run(script, limit: min(remaining, .seconds(180)))
  }
}
