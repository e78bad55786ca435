import ArgumentParser

/// The command `benchmark`, which `make bench` builds and runs.
@main
struct BenchmarkCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark", abstract: "Measure iscsifs beside its peers.",
    subcommands: [RunCommand.self, ListCommand.self, RecordCommand.self],
    defaultSubcommand: RunCommand.self)
}
