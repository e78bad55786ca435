/// What iscsifs promises, and what shows it beside the drills.
struct Promise: Sendable {
  var number: Int
  var text: String
  /// What is measured elsewhere.
  var figures: [String] = []
  var commands: [String] = []

  static let all: [Promise] = [
    Promise(
      number: 1,
      text:
        "a write that returned was answered GOOD; fsync that returned 0 means it is on the medium",
      figures: ["a million injected faults, see below"], commands: ["make sim RUNS=26000"]),
    Promise(
      number: 2, text: "no wrong or stale byte, no write lost that fsync promised",
      figures: ["a million injected faults, see below"], commands: ["make sim RUNS=26000"]),
    Promise(
      number: 3,
      text: """
        nothing waits for ever: a dead path is known in 10 s, a caller gets an error at \
        replacement_timeout + 5 s, can be killed in 2 s, the daemon ends in 10 s
        """),
    Promise(
      number: 4,
      text: """
        an outage below replacement_timeout is latency only; back within 1 s of the target's \
        return (median), Time2Wait + 15 s (worst)
        """),
    Promise(
      number: 5, text: "a bad target costs the others no error and at most 10 % throughput",
      commands: [
        "swift test --filter HostileTargetTests", "swift test --filter HostileMatrixTests",
      ]),
    Promise(
      number: 6, text: "bounded resources: nothing grows by more than 32 MiB, no descriptor stays",
      commands: ["swift test --filter ScaleTests"]),
    Promise(
      number: 7, text: "a LUN whose identity changed is never written",
      commands: ["swift test --filter VerificationTests"]),
    Promise(
      number: 8, text: "nothing is sent again before the old nexus is provably dead",
      figures: ["planted bug `skippedReinstatement` is found, see its row below"],
      commands: ["make sim BUG=skippedReinstatement"]),
    Promise(
      number: 9,
      text: "an aligned write is not torn by us; unaligned ones are whole for who uses the mount",
      figures: ["planted bug `unlockedRewrite` is found, see its row below"],
      commands: ["make sim BUG=unlockedRewrite"]),
    Promise(
      number: 10, text: "a crash of the daemon is what a loss of power is to a client"),
  ]
}
