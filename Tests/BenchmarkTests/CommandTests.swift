import ArgumentParser
import Testing

@testable import benchmark

@Suite("Command line")
struct CommandTests {
  @Test("a wrong name is wrong use, and says which names there are")
  func wrongName() throws {
    let error = try #require(throws: (any Error).self) {
      try BenchmarkCommand.parseAsRoot(["dd-4k", "dd-4m"])
    }
    #expect(BenchmarkCommand.exitCode(for: error).rawValue == ExitStatus.usage)
    let message = BenchmarkCommand.message(for: error)
    #expect(message.contains("no workload dd-4m; there are:"))
    for workload in Workload.all {
      #expect(message.contains("  \(workload.name) "), "\(workload.name)")
    }
  }

  @Test(
    "numbers out of range and unknown options are wrong use",
    arguments: [
      ["--rounds", "0"], ["--rounds", "x"], ["--seconds", "0"], ["--seconds", "nan"],
      ["--options"], ["--bogus"],
    ])
  func wrongOptions(arguments: [String]) throws {
    let error = try #require(throws: (any Error).self) {
      try BenchmarkCommand.parseAsRoot(arguments)
    }
    #expect(BenchmarkCommand.exitCode(for: error).rawValue == ExitStatus.usage)
  }

  @Test("a comparison of two sets of options is made of every workload, and not kept")
  func comparison() throws {
    let command = try BenchmarkCommand.parseAsRoot([
      "cp", "--options", "channel=uring,sessions=2", "--against-options", "channel=dev",
      "--against", "/old/iscsifs",
    ])
    let run = try #require(command as? RunCommand)
    #expect(
      run.chosen.map { $0.contestants.map(\.contestant) } == [
        [
          .iscsifs(["channel=uring", "sessions=2"]),
          .iscsifs(["channel=dev"], program: "/old/iscsifs"),
        ]
      ])
    #expect(!run.keeps)
  }

  @Test("names without a subcommand are workloads to run")
  func names() throws {
    let command = try BenchmarkCommand.parseAsRoot(["cp", "--rounds", "9", "--seconds", "0.5"])
    let run = try #require(command as? RunCommand)
    #expect(run.workloads == ["cp"])
    #expect(run.rounds == 9)
    #expect(run.seconds == 0.5)
  }
}
